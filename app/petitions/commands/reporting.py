"""A petition's report to the targets: asked for here, typeset by the worker, delivered once to each."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from app.coalitions.queries import require
from app.coalitions.roles import Right
from app.core import audit, db
from app.core.actor import SYSTEM
from app.core.errors import Conflict
from app.deliveries import commands as deliveries
from app.deliveries.models import Document
from app.jobs.bell import ring
from app.petitions import queries
from app.petitions.models import Petition, PetitionReport, PetitionState

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor

REPORT = "petitions.report"


def send_report(session: Session, petition: Petition, *, by: Actor, now: datetime) -> PetitionReport:
    """Have the worker report to every target of the campaign. While one is being made, asking again changes nothing."""
    require(session, petition.campaign.coalition_id, by=by, right=Right.ORGANIZE)
    petition = db.locked(session, Petition, petition.id)
    if petition.state is PetitionState.DRAFT or petition.counted == 0:
        raise Conflict("Nobody has signed yet, so there is nothing to report. Wait for the first confirmed signatures.")
    made = queries.reports(session, petition.id)
    if made and made[0].document_id is None:
        return made[0]
    number = made[0].number + 1 if made else 1
    report = db.add(session, PetitionReport(petition_id=petition.id, number=number, asked_at=now))
    audit.record(
        session,
        "petition.reported",
        petition,
        by=by,
        now=now,
        coalition_id=petition.campaign.coalition_id,
        title=petition.title,
        count=petition.counted,
    )
    ring(session, REPORT)
    return report


def keep_report(session: Session, report_id: int, entry: deliveries.NewDocument, *, now: datetime) -> Document | None:
    """Keep the typeset report and send it; None if another worker was first."""
    report = db.locked(session, PetitionReport, report_id)
    if report.document_id is not None:
        return None
    campaign = report.petition.campaign
    document = deliveries.add_document(session, campaign, entry, now=now)
    report.document_id = document.id
    deliveries.send_document(session, document, campaign.targets, by=SYSTEM, now=now)
    session.flush()
    return document
