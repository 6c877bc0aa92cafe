"""The next four weeks, cell by cell."""
