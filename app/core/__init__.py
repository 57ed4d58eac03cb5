"""What every room stands on, and what knows nothing of HTTP: database, time, actors, refusals, inputs, text."""
