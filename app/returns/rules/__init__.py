"""What a mail that came in says, worked out from its bytes alone and in bounded time."""
