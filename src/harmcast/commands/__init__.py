"""The commands, by what they are about; `harmcast.cli` runs them."""
