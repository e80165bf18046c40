"""Backups of a queue, and what becomes of them."""
