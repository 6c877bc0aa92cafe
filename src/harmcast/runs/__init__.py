"""What is done: each run composes the rooms and is read like a story."""
