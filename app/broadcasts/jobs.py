"""What the worker does for broadcasts."""
