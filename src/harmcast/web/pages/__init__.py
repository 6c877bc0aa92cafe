"""One module a home or a group of pages."""
