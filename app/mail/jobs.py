"""What the worker does for mail."""
