"""One demand on named targets, and what the targets promised."""
