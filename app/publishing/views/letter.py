"""The letter: the page that people sign, its words as text, its PDF, its facts as JSON, and an edition's roll."""

from __future__ import annotations

import functools

from flask import Response, jsonify
from flask.typing import ResponseReturnValue

from app.core.clock import utc_now
from app.core.db import reading
from app.core.text import canonical, slugify
from app.petitions.queries import petitions_of
from app.press.letter import set_letter
from app.publishing.queries import public as queries
from app.publishing.rules import etag, names_its_addressees
from app.publishing.views.shared import absolute, blueprint, kept, known_already
from app.signons.queries import sheet_of_statement
from app.statements.queries import public_statement
from app.statements.rules import without_title
from app.targets.rules import named_together
from app.web.pages import download, page
from app.web.security import public

# One press run per state of the roll and process: a letter that is asked for a thousand times is set once.
_pressed = functools.lru_cache(maxsize=16)(set_letter)


@blueprint.get("/statements/<slug>")
@public
def statement(slug: str) -> ResponseReturnValue:
    """The letter with everybody who stands under it."""
    now = utc_now()
    with reading() as session:
        found = queries.letter(session, slug)
        row = found.statement
        return page(
            "publishing/letter.html",
            letter=found,
            statement=row,
            coalition=found.coalition,
            demo=found.coalition.is_demo,
            zone=found.coalition.zone,
            words=without_title(row.title, found.text),
            to="" if names_its_addressees(row.title, found.text) else named_together(found.addressees),
            dated=row.closed_at or row.opened_at or row.created_at,
            signable=row.accepts_signons(now),
            petitions=petitions_of(session, row.campaign_id, public=True),
            canonical=absolute(f"/statements/{row.slug}"),
            share_image=absolute(f"/statements/{row.slug}/share.png"),
        )


@blueprint.get("/statements/<slug>.txt")
@public
def words(slug: str) -> ResponseReturnValue:
    """The canonical text, the very bytes the digest is made of."""
    with reading() as session:
        found = public_statement(session, slug)
        text = canonical(found.frozen_revision.text if found.frozen_revision else "")
        digest = found.digest
    return kept(Response(text, content_type="text/plain; charset=utf-8"), "txt", digest)


@blueprint.get("/statements/<slug>.json")
@public
def facts(slug: str) -> ResponseReturnValue:
    """The digest, the roll as printed and the count, for programs."""
    with reading() as session:
        found = queries.letter(session, slug)
        row = found.statement
        answer = {
            "title": row.title,
            "coalition": found.coalition.name,
            "demonstration": found.coalition.is_demo,
            "addressees": found.addressees,
            "state": row.state.value,
            "digest": row.digest,
            "deadline": row.deadline.isoformat() if row.deadline else None,
            "closed_at": row.closed_at.isoformat() if row.closed_at else None,
            "edition": found.edition.number if found.edition else None,
            "count": found.count,
            "roll": [{"listed_as": name.listed_as, "signatory": name.signatory} for name in found.names],
            "text": absolute(f"/statements/{row.slug}.txt"),
            "pdf": absolute(f"/statements/{row.slug}.pdf"),
        }
    response = jsonify(answer)
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


@blueprint.get("/statements/<slug>.pdf")
@public
def pdf(slug: str) -> ResponseReturnValue:
    """The file that was delivered, byte for byte; before that the letter as it stands now."""
    now = utc_now()
    with reading() as session:
        found = queries.letter(session, slug)
        name = f"{slugify(found.statement.title, otherwise='letter')}.pdf"
        document = found.edition.document if found.edition else None
        if document is not None:
            state: tuple[object, ...] = ("pdf", document.body_sha256)
            body = b"" if known_already(*state) else document.body
            return kept(download(body, name, "application/pdf", inline=True), *state)
        sheet = sheet_of_statement(session, found.statement, base_url=absolute(""), now=now)
        state = ("pdf", etag(sheet))
    body = b"" if known_already(*state) else _pressed(sheet)
    return kept(download(body, name, "application/pdf", inline=True), *state, seconds=30)


@blueprint.get("/editions/<slug>/<int:number>")
@public
def edition(slug: str, number: int) -> ResponseReturnValue:
    """An edition's fixed roll, and which words each name stands under."""
    with reading() as session:
        found, names = queries.edition_for(session, slug, number)
        coalition = found.statement.campaign.coalition
        return page(
            "publishing/edition.html",
            edition=found,
            statement=found.statement,
            names=names,
            coalition=coalition,
            demo=coalition.is_demo,
            canonical=absolute(f"/editions/{slug}/{number}"),
            share_image=absolute(f"/statements/{slug}/share.png"),
        )
