"""What comes back: reports of the mail provider, bounces, complaints, and what is done about each."""
