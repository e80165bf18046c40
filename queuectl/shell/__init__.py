"""The interactive shell on cmd2, and scripts of its lines."""
