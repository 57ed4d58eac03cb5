"""What reports mean and what is done about them, without a database."""
