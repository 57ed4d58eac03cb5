"""Pages of petitions: for everybody, for the holder of a confirmation link, and for organizers."""

from app.petitions.views import confirming, removing, signing, workroom
from app.petitions.views.base import blueprint

__all__ = ["blueprint", "confirming", "removing", "signing", "workroom"]
