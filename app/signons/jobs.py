"""What the worker does for signons."""
