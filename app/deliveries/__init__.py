"""One document on its way to one target, and what is known of its arrival."""
