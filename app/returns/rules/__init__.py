"""What reports mean and what is done about them, without a database: signatures, the provider's words, bounces, policy."""
