"""From one band of harm to the next."""
