"""The home folder: where it is, what lies in it, its locks and its wake-up FIFO."""
