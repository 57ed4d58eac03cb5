"""What an operator and a monitor ask of an installation: is it alive, is it ready, how much is waiting."""
