"""What our processes need of the operating system: signals, timers, sockets, other processes."""
