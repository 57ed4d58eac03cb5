"""What comes back: reports of the provider, bounces, complaints, replies. Whose letters, the rooms above know."""
