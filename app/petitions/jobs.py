"""What the worker does for petitions: counting, checking the count, and setting reports."""

from __future__ import annotations

import sqlalchemy as sa

from app.core.clock import local, utc_now
from app.core.db import reading, transaction
from app.deliveries.commands import NewDocument
from app.deliveries.models import DocumentKind
from app.jobs.bell import job
from app.mail.render import url
from app.petitions import commands, queries
from app.petitions.models import Petition, PetitionReport, PetitionState, Signature, SignatureState
from app.press.letter import ReportSheet, Sheet, Voice, set_report


@job(commands.COUNT)
def count() -> int:
    """Add what was validated since the last run."""
    with reading() as session:
        query = sa.select(Signature.petition_id).where(
            Signature.state == SignatureState.VALIDATED, Signature.ordinal.is_(None)
        )
        waiting = list(session.scalars(query.distinct()))
    done = 0
    for petition_id in waiting:
        with transaction() as session:
            done += commands.count_new(session, petition_id, now=utc_now())
    return done


@job("petitions.close")
def close() -> int:
    """Close what is past its last day."""
    with transaction() as session:
        return commands.close_due(session, now=utc_now())


@job("petitions.recount")
def recount() -> int:
    """Repair counts that a crash or a mended row left wrong."""
    with reading() as session:
        query = sa.select(Petition.id).where(Petition.state != PetitionState.DRAFT)
        due = sa.or_(Petition.checked_at.is_(None), Petition.checked_at < utc_now() - commands.counting.RECOUNT_EVERY)
        idents = list(session.scalars(query.where(due).order_by(Petition.id)))
    for ident in idents:
        with transaction() as session:
            commands.recount(session, ident, now=utc_now())
    return 0


@job(commands.REPORT)
def report() -> int:
    """Set each report that was asked for, outside of any transaction, then keep and send it."""
    with reading() as session:
        waiting = queries.unmade_reports(session)
    done = 0
    for ident in waiting:
        now = utc_now()
        entry = _typeset(ident)
        with transaction() as session:
            done += commands.keep_report(session, ident, entry, now=now) is not None
    return done


def _typeset(ident: int) -> NewDocument:
    with reading() as session:
        wanted = session.get_one(PetitionReport, ident)
        petition = wanted.petition
        coalition = petition.campaign.coalition
        day = local(wanted.asked_at, coalition.zone)
        spoken = f"{day:%B} {day.day}, {day.year}"
        people = "one confirmed signature" if petition.counted == 1 else f"{petition.counted:,} confirmed signatures"
        sheet = ReportSheet(
            sheet=Sheet(
                author=coalition.name,
                title=petition.title,
                markdown=petition.text,
                dateline=f"{spoken}: {people}",
                dated=day.date(),
                digest=petition.digest,
                verify_url=url(f"/petitions/{petition.slug}"),
                demo=coalition.is_demo,
            ),
            addressees=tuple(target.name for target in petition.campaign.targets if target.parent is None),
            rows_columns=("Postal code", "Signatures"),
            rows=tuple((place, f"{number:,}") for place, number in queries.by_place(session, petition.id)),
            voices=tuple(
                Voice(one.comments[:500], f"{one.given_name}, {one.postal_code}")
                for one in queries.recent_comments(session, petition.id)
            ),
        )
        filename = f"{petition.slug}-report-{wanted.number}.pdf"
        path = f"/petitions/{petition.slug}"
    return NewDocument(
        kind=DocumentKind.PETITION_REPORT,
        title=sheet.sheet.title,
        summary=sheet.sheet.markdown,
        stands_behind=f"{people[0].upper()}{people[1:]} as of {spoken}.",
        filename=filename,
        body=set_report(sheet),
        digest=sheet.sheet.digest,
        public_path=path,
    )
