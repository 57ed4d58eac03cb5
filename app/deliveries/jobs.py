"""What the worker does for deliveries."""
