"""Many forces on Spark."""
