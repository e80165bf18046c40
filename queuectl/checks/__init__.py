"""Checks of an installed copy, on throw-away homes with real workers."""
