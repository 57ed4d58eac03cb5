"""Every letter of the house with sample data, in a language that runs left to right and in one that does not."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue

from app.core.errors import NotFound
from app.mail import render, samples
from app.mail.message import Message
from app.mail.views.blueprint import as_html, blueprint
from app.web.pages import page
from app.web.security import operator


@blueprint.get("/operator/letters")
@operator
def templates() -> ResponseReturnValue:
    """The letters this installation writes."""
    return page("mail/letters.html", letters=list(samples.every().values()))


@blueprint.get("/operator/letters/<room>/<name>")
@operator
def template(room: str, name: str) -> ResponseReturnValue:
    """One letter as text, with what stands around it."""
    language, message = _sample(room, name)
    return page(
        "mail/sample.html",
        room=room,
        name=name,
        sample=samples.every()[message.template],
        message=message,
        words=render.render(message),
        language=language,
        languages=samples.LANGUAGES,
        house=render.house(),
    )


@blueprint.get("/operator/letters/<room>/<name>/html")
@operator
def template_html(room: str, name: str) -> ResponseReturnValue:
    """One letter as a mail reader shows it."""
    return as_html(render.render(_sample(room, name)[1]).html)


def _sample(room: str, name: str) -> tuple[str, Message]:
    found = samples.every().get(f"{room}/mail/{name}")
    language = request.args.get("language", samples.ENGLISH)
    if found is None or language not in found.messages:
        raise NotFound
    return language, found.messages[language]
