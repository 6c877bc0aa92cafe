"""The effects of a load: each check a small pure function over counts, one shared bound (`bounds`). Nothing here reads a state."""
