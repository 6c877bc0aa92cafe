"""What the force sends."""
