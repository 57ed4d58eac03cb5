"""What the worker does for campaigns."""
