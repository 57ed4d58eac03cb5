"""How an installation is set up: read once from the environment, checked at the start."""
