"""People who sign in: passwords, e-mailed links, sessions."""
