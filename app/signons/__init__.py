"""An organization's name under a frozen text, and the editions that list the names."""
