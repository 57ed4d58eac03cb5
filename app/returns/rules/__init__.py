"""What reports and mail that came in mean, without a database."""
