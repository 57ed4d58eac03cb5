"""Letters that write themselves under a petition: one reminder to confirm, a welcome to who confirmed."""
