"""Data sets, by name and by file."""
