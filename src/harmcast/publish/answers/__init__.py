"""One module a question-asker."""
