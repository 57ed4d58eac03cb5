"""Writing a reminder or a welcome, and changing its words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request
from flask.typing import ResponseReturnValue

from app.automations import commands, queries, rules
from app.automations.models import Automation, Kind
from app.automations.views.frame import ONE, ROOT, back, blueprint
from app.coalitions.queries import organizations_acting
from app.coalitions.roles import Right
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.core.errors import NotAllowed, NotFound
from app.petitions.queries import petition_for
from app.web.forms import form_state, posted, redisplays
from app.web.pages import page
from app.web.security import actor, signed_in

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.coalitions.models import Organization
    from app.petitions.models import Petition

# A beginning that is right as it stands, for somebody who has never written one.
DRAFTS = {
    Kind.REMINDER: {
        "subject": "{given_name|Hello}, your name is not counted yet",
        "body": "Hello {given_name|neighbor},\n\nthank you for signing. One step is left: press the button below, and "
        "your name counts.\n\nMail programs sometimes put our first letter among the spam, so here is the link again.",
        "delay_hours": str(rules.USUAL),
    },
    Kind.WELCOME: {
        "subject": "Thank you, {given_name|neighbor}",
        "body": "Hello {given_name|neighbor},\n\nyour name is under the petition. You also said that we may write to "
        "you: we write when something happens, and tell you what you can do.",
    },
}


@blueprint.get(f"{ROOT}/new/<kind>")
@signed_in
def new_automation(coalition: str, slug: str, kind: str) -> ResponseReturnValue:
    """The form with words to begin with."""
    with reading() as session:
        petition = petition_for(session, slug, by=actor(), coalition=coalition)
        return _form(session, petition, _kind(kind), None)


@blueprint.post(f"{ROOT}/new/<kind>")
@signed_in
@redisplays(new_automation)
def write_automation(coalition: str, slug: str, kind: str) -> ResponseReturnValue:
    """Write the letter down as a draft."""
    by, entry = actor(), posted(commands.NewAutomation)
    with transaction() as session:
        petition = petition_for(session, slug, by=by, coalition=coalition)
        made = commands.write(session, petition, _kind(kind), entry, by=by, now=utc_now())
    return back(coalition, slug, made.id, "The letter is saved. It is off until somebody approves and switches it on.")


@blueprint.get(f"{ONE}/edit")
@signed_in
def edit_automation(coalition: str, slug: str, ident: int) -> ResponseReturnValue:
    """The form with the words as they are."""
    with reading() as session:
        automation = queries.automation_for(session, coalition, slug, ident, by=actor())
        return _form(session, automation.petition, automation.kind, automation)


@blueprint.post(f"{ONE}/edit")
@signed_in
@redisplays(edit_automation)
def change_automation(coalition: str, slug: str, ident: int) -> ResponseReturnValue:
    """Change the words; the letter is off until they are approved again."""
    by, entry = actor(), posted(commands.NewAutomation)
    with transaction() as session:
        automation = queries.automation_for(session, coalition, slug, ident, by=by)
        commands.edit(session, automation, entry, by=by, now=utc_now())
    return back(coalition, slug, ident, "The letter is saved and off. A second person approves the new words.")


def _kind(word: str) -> Kind:
    if word not in {kind.value for kind in Kind}:
        raise NotFound
    return Kind(word)


def _senders(session: Session, petition: Petition, kind: Kind) -> list[Organization]:
    """For whom one may write such a letter here. NotAllowed for nobody, like a form that cannot be sent."""
    right = commands.RIGHTS[kind]
    acting = organizations_acting(session, petition.campaign.coalition_id, by=actor(), right=right)
    asking = {ask.organization_id for ask in petition.asks}
    found = [one for one in acting if right is Right.ORGANIZE or one.id in asking]
    if not found:
        raise NotAllowed
    return found


def _form(session: Session, petition: Petition, kind: Kind, automation: Automation | None) -> str:
    senders = _senders(session, petition, kind)
    initial: dict[str, object] = dict(DRAFTS[kind])
    if automation is not None:
        if automation.is_welcome and automation.organization_id not in {one.id for one in senders}:
            raise NotAllowed
        initial = {
            "subject": automation.subject,
            "body": automation.body,
            "delay_hours": str(automation.delay_hours),
        }
    return page(
        "automations/edit.html",
        coalition=petition.campaign.coalition,
        demo=petition.campaign.coalition.is_demo,
        petition=petition,
        kind=kind.value,
        automation=automation,
        action=request.path,
        senders=[(str(one.id), one.name) for one in senders],
        delays=[(str(hours), _spoken(hours)) for hours in (24, 48, 72, 96, 120, 144, 168)],
        fields=rules.FIELD_HINTS[kind],
        form=form_state(initial),
    )


def _spoken(hours: int) -> str:
    days = hours // 24
    return f"{hours} hours ({days} {'day' if days == 1 else 'days'})"
