"""Pages of sign-ons, one module a group: by a mailed link, by a receipt's link, from inside, and for organizers."""

from app.signons.views import inside, invited, managing, organizing
from app.signons.views.blueprint import blueprint

__all__ = ["blueprint", "inside", "invited", "managing", "organizing"]
