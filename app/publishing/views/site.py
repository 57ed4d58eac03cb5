"""What machines ask of every site: robots, a map of the public pages, an icon."""

from __future__ import annotations

from pathlib import Path

from flask import Response
from flask.typing import ResponseReturnValue
from markupsafe import escape

from app.core.db import reading
from app.publishing.queries.public import every_public_path
from app.publishing.views.shared import absolute, blueprint
from app.web.security import public

ICON = Path(__file__).parents[2] / "static" / "icons" / "favicon.svg"
ROBOTS = """User-agent: *
Disallow: /work/
Disallow: /home
Disallow: /operator/
Disallow: /confirm/
Disallow: /preferences/
Disallow: /sign-on/
Disallow: /invitation/
Sitemap: {sitemap}
"""

SITEMAP = """<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
{places}</urlset>
"""


@blueprint.get("/robots.txt")
@public
def robots() -> ResponseReturnValue:
    """What crawlers should leave alone; none of it is kept from anybody by this."""
    response = Response(ROBOTS.format(sitemap=absolute("/sitemap.xml")), mimetype="text/plain")
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response


@blueprint.get("/sitemap.xml")
@public
def sitemap() -> ResponseReturnValue:
    """Every public page, without demonstrations."""
    with reading() as session:
        addresses = [absolute(path) for path in every_public_path(session)]
    places = "".join(f"<url><loc>{escape(address)}</loc></url>\n" for address in addresses)
    response = Response(SITEMAP.format(places=places), mimetype="application/xml")
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


@blueprint.get("/favicon.ico")
@public
def favicon() -> ResponseReturnValue:
    """The icon, for browsers that ask without reading the page."""
    response = Response(ICON.read_bytes(), mimetype="image/svg+xml")
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response
