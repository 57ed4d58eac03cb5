"""Reading across rooms: what the public sees, and what waits for somebody who is signed in."""
