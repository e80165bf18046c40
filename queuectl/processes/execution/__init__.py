"""What a worker is made of: running commands, recording them, ending them whole."""
