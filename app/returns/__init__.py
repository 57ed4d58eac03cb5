"""What comes back: the provider's events, bounces and replies. Knows letters; whose they are, the rooms above know."""
