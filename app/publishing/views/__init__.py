"""Every page for the public, and the home of those who are signed in, by what is shown there."""

from app.publishing.views import campaigns, home, images, letter, site, verifying
from app.publishing.views.shared import blueprint

__all__ = ["blueprint", "campaigns", "home", "images", "letter", "site", "verifying"]
