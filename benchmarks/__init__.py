"""Measures queuectl side by side with other commands, in one run on one machine."""
