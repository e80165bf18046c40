"""The rules of the queue: pure values and decisions, no input or output, no clock."""
