"""The door through which SendGrid's Inbound Parse brings mail: it is kept as it came, and read later."""

from __future__ import annotations

import hashlib
import hmac

from flask import Response, current_app, request

from app.core.clock import utc_now
from app.core.db import transaction
from app.core.errors import NotFound
from app.returns import commands
from app.returns.rules.replies import LARGEST_POST
from app.returns.views.blueprint import blueprint
from app.web.security import machine

TOO_LARGE = "It was larger than 32 MB and was not taken in."


@blueprint.post("/webhooks/sendgrid/inbound/<secret>")
@machine
def take_in(secret: str) -> Response:
    """Keep one post. Every post is answered with 204: what SendGrid hears otherwise makes it come again for days."""
    wanted = str(current_app.config["SETTINGS"].inbound_secret)
    if not wanted or not hmac.compare_digest(wanted.encode(), secret.encode(errors="replace")):
        raise NotFound
    length = request.content_length or 0
    if length > LARGEST_POST:
        _keep(b"", f"too large:{length}:{utc_now().isoformat()}", TOO_LARGE)
        return Response(status=204)
    request.max_content_length = LARGEST_POST
    body = request.get_data(cache=False)
    _keep(body, f"post:{hashlib.sha256(body).hexdigest()}", "")
    return Response(status=204)


def _keep(body: bytes, source: str, problem: str) -> None:
    form = request.headers.get("Content-Type", "form")
    with transaction() as session:
        commands.receive(session, body, source=source, form=form, problem=problem, now=utc_now())
