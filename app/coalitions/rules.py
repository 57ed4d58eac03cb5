"""The audit trail in words: each act as a sentence."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from datetime import datetime

from app.core.clock import spoken
from app.core.text import short_digest
from app.mail.rules import ACTS as MAIL_ACTS

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+[+-]\d\d:\d\d")

# Braces name parts of the entry's detail; {actor} is who did it.
ACTS: dict[str, str] = {
    "coalition.created": "{actor} formed the coalition {name}.",
    "coalition.settled": "{actor} settled that updates of {name} are approved by {approval}.",
    "organization.added": "{actor} listed {name} as {role}.",
    "organization.edited": "{actor} changed what is said of {name}: {changed}.",
    "organization.joined": "{actor} brought in {name}.",
    "invitation.sent": "{actor} invited {invited} for {name}.",
    "invitation.resent": "{actor} sent {invited}’s invitation for {name} again.",
    "invitation.revoked": "{actor} took back {invited}’s invitation for {name}.",
    "member.joined": "{actor} joined {name} as {role}.",
    "member.role_changed": "{actor} made {person} of {name} {after} instead of {before}.",
    "member.removed": "{actor} ended {person}’s membership in {name}.",
    "account.created": "{actor} made an account for {name}.",
    "account.renamed": "{before} is called {after} now.",
    "campaign.started": "{actor} started the campaign “{title}”.",
    "campaign.edited": "{actor} changed the campaign “{title}”.",
    "campaign.targets_chosen": "{actor} chose the targets of “{title}”.",
    "campaign.went_live": "{actor} made the campaign “{title}” public.",
    "campaign.won": "{actor} called the campaign “{title}” won.",
    "campaign.closed": "{actor} closed the campaign “{title}”.",
    "target.added": "{actor} added the target {name}.",
    "target.edited": "{actor} changed the target {name}.",
    "target.districts_imported": "{actor} imported postal codes of {name}: {added} new, {updated} changed.",
    "commitment.recorded": "{actor} recorded a promise of {target}: “{headline}”.",
    "commitment.extended": "{actor} recorded that {target} extended “{headline}” until {until}.",
    "commitment.kept": "{actor} recorded that {target} kept “{headline}”.",
    "commitment.broken": "{actor} recorded that {target} broke “{headline}”.",
    "commitment.expired": "The promise of {target}, “{headline}”, ran out on {ended_on}.",
    "reaction.written": "{actor} put {organization}’s words beside “{headline}”.",
    "statement.frozen": "{actor} froze the words of “{title}” (revision {revision}, digest {digest}).",
    "statement.unfrozen": "{actor} let the words of “{title}” change again.",
    "statement.opened": "{actor} opened “{title}” for sign-on until {deadline}.",
    "statement.extended": "{actor} gave “{title}” more time, until {deadline}.",
    "statement.closed": "{actor} closed “{title}”.",
    "statement.archived": "{actor} archived “{title}”.",
    "statement.unarchived": "{actor} took “{title}” out of the archive.",
    "statement.delivered": "“{title}” was handed over to its targets.",
    "sign_on.asked": "{actor} asked {organization} to sign “{title}”.",
    "sign_on.asked_again": "{actor} asked {organization} again to sign “{title}” (time {times}).",
    "sign_on.request_taken_back": "{actor} took back the request to {organization} to sign “{title}”.",
    "sign_on.signed": "{actor} signed “{title}” for {organization}, as “{listed_as}”, {signatory}; digest {digest}.",
    "sign_on.corrected": "{actor} corrected {organization} under “{title}”: now “{listed_as}”, {signatory}.",
    "sign_on.withdrawn": "{actor} took {organization}’s name off “{title}”.",
    "sign_on.declined": "{actor} declined “{title}” for {organization}: {reason}",
    "sign_on.disputed": "{actor} disputed {organization}’s name under “{title}”; it is off the roll.",
    "sign_on.dispute_lifted": "{actor} settled the dispute about {organization}’s name under “{title}”.",
    "edition.made": "Edition {number} of “{title}” was fixed with {names} names, digest {digest}.",
    "delivery.queued": "A letter to {target} was put on its way.",
    "delivery.sent_again": "{actor} sent to {target} again.",
    "suppression.lifted": "{actor} let letters go to an address at {domain} again: {reason}",
    "petition.started": "{actor} started the petition “{title}”.",
    "petition.opened": "{actor} opened the petition “{title}”.",
    "petition.closed": "{actor} closed the petition “{title}”.",
    "petition.reported": "{actor} reported {count} signatures under “{title}” to the targets.",
    "signature.invalidated": "{actor} took a signature off the count: {reason}",
    "automation.approved": "{actor} approved {letter} under “{title}” (version {version}).",
    "automation.switched_on": "{actor} switched {letter} under “{title}” on (version {version}).",
    "automation.switched_off": "{actor} switched {letter} under “{title}” off.",
    "update.approved": "{actor} approved the update “{subject_line}” (version {version}).",
    "update.sent": "{actor} sent the update “{subject_line}” (version {version}).",
    "update.paused": "{actor} paused the update “{subject_line}”.",
    "update.resumed": "{actor} let the update “{subject_line}” go on.",
    "update.sent_again": "{actor} had {letters} uncertain letters of the update “{subject_line}” sent again.",
    "update.uncertain_left": "{actor} left the uncertain letters of the update “{subject_line}” as they are.",
    "update.stopped": "{actor} stopped the update “{subject_line}”.",
    "update.scheduled": "{actor} set when the update “{subject_line}” (version {version}) leaves: {at}.",
    "update.unscheduled": "{actor} took the update “{subject_line}” off the schedule.",
    "update.late_sent": "{actor} let the update “{subject_line}” go to {letters} readers after their hour.",
    "update.late_left_out": "{actor} left {letters} readers out of the update “{subject_line}”: their hour had passed.",
    "update.missed": "The update “{subject_line}” missed its time and did not leave.",
    "update.speed_changed": "{actor} changed how fast the update “{subject_line}” leaves: {per_hour} letters an hour.",
    "update.subjects_changed": "{actor} changed which subjects of the update “{subject_line}” are compared.",
    "update.subject_chosen": "{actor} chose the subject “{subject}” for the rest of the update “{subject_line}”.",
    "update.readers_exported": "{actor} downloaded who the update “{subject_line}” went to.",
    **MAIL_ACTS,
}


class _Parts(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "no reason given" if key == "reason" else "—"


def act_name(act: str) -> str:
    """An act for a list to choose from: ``statement.frozen`` is “Statement frozen”."""
    return act.replace(".", " ").replace("_", " ").capitalize()


def sentence(act: str, actor: str, detail: Mapping[str, object], zone: str) -> str:
    """What happened, in words, moments as the coalition's clock shows them.

    An act the table does not know is told by its name and whatever it concerns.
    """
    known = ACTS.get(act)
    parts = {key: _told(value, zone) for key, value in detail.items() if value not in {None, ""}}
    if known is not None:
        if isinstance(parts.get("digest"), str):
            parts["digest"] = short_digest(str(parts["digest"]))
        return known.format_map(_Parts({**parts, "actor": actor}))
    about = "; ".join(f"{key.replace('_', ' ')}: {value}" for key, value in parts.items())
    return f"{actor}: {act_name(act).lower()}{f' ({about})' if about else ''}."


def _told(value: object, zone: str) -> object:
    """A detail as words. The trail keeps moments in ISO form; everything else is as it was typed."""
    if isinstance(value, str) and MOMENT.fullmatch(value):
        with contextlib.suppress(ValueError):
            return spoken(datetime.fromisoformat(value), zone)
    return value
