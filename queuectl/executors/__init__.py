"""How a job becomes a program with arguments and environment; running it is the worker's."""
