"""The processes behind the queue, one module per process, and how the others control them."""
