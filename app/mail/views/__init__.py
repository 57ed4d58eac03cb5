"""Pages of the post office: the outbox, one letter, samples of letters, the sending domain, written mail."""

from app.mail.views import checking, development, letters, outbox, sampling
from app.mail.views.blueprint import blueprint

__all__ = ["blueprint", "checking", "development", "letters", "outbox", "sampling"]
