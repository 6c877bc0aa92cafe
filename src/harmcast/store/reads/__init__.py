"""Reads for pages, answers and health: each module named for what it answers, and nothing is written."""
