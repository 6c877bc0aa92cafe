"""The stages of a week: each reads what it needs from the store, calls the pure middle, and gives tables back."""
