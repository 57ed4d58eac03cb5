"""What the worker does for petitions."""
