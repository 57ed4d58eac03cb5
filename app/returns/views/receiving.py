"""The webhook: prove the post, keep it, say so. Everything else is the worker's, so that the provider never waits."""

from __future__ import annotations

from flask import Response, current_app, request
from flask.typing import ResponseReturnValue

from app.core.clock import utc_now
from app.core.db import transaction
from app.core.errors import NotFound
from app.returns import commands
from app.returns.rules.signing import genuine, public_key
from app.returns.views.blueprint import blueprint
from app.web.security import machine

LARGEST = 1024 * 1024  # SendGrid posts at most 768 kB at a time
SIGNATURE, TIMESTAMP = "X-Twilio-Email-Event-Webhook-Signature", "X-Twilio-Email-Event-Webhook-Timestamp"


@blueprint.post("/webhooks/sendgrid/events")
@machine
def sendgrid_events() -> ResponseReturnValue:
    """Take one post: 204 once it is kept, 403 without a word if it is not the provider's, 413 if it is too large."""
    shown = current_app.config["SETTINGS"].sendgrid_webhook_key
    if not shown:
        raise NotFound
    request.max_content_length = LARGEST
    body = request.get_data(cache=False)
    now = utc_now()
    signature, timestamp = request.headers.get(SIGNATURE, ""), request.headers.get(TIMESTAMP, "")
    if not genuine(public_key(shown), body, signature=signature, timestamp=timestamp, now=now):
        return Response(status=403)
    with transaction() as session:
        commands.keep_post(session, body, now=now)
    return Response(status=204)
