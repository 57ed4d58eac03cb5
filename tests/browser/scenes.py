"""The demonstration as the stage of browser tests: played to a scene, and the addresses of its pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from app.accounts import commands as accounts
from app.accounts.models import Account
from app.broadcasts.models import Broadcast
from app.core.actor import SYSTEM
from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.deliveries.models import Delivery
from app.demo import crowd, lettering, material, play
from app.demo.stage import coalition, letter_to, person
from app.jobs import worker
from app.mail.models import Email
from app.petitions.models import Signature
from app.returns import commands as returns
from app.returns.models import Reply, ReplyKind
from app.returns.queries import reply_path
from app.supporters.rules import preferences_path, unsubscribe_path
from tests.returns.mails import QUOTATION, mail

ROBIN = "robin@fftf.example"


@dataclass(frozen=True)
class Stage:
    """Where the pages of a played demonstration are, and who may open which."""

    public: list[str]
    links: list[str]
    workroom: list[str]
    operator: list[str]
    organizer: Account
    operator_account: Account


def play_until(last: Callable[[], object]) -> None:
    """Play the scenes of the demonstration up to and with ``last``."""
    for _, scene in play.SCENES:
        scene()
        worker.until_idle()
        if scene is last:
            return


def link(email: str, template: str, key: str) -> str:
    """The path that a letter in somebody's mailbox leads to."""
    with reading() as session:
        letter = letter_to(session, email, template)
        assert letter is not None
        return str(letter.context[key])


def answered() -> None:
    """A target answers with a file, a supporter answers the update, a stranger writes, and some mail is none."""
    with transaction() as session:
        letter = session.scalars(sa.select(Email).where(Email.template == "deliveries/mail/to_target")).first()
        update = session.scalars(sa.select(Broadcast.mailing_id)).first()
        assert letter is not None
        files = (("Statement of Amazon.pdf", b"%PDF-1.7"),)
        mails = [
            mail(text="We extend the pause." + QUOTATION, files=files, in_reply_to=str(letter.message_id)),
            mail(text="I am away until Monday.", auto_submitted="auto-replied", in_reply_to=str(letter.message_id)),
            mail(text="To whom it may concern", sender="Stranger <stranger@elsewhere.example>"),
            b"no mail",
        ]
        for number, raw in enumerate(mails):
            returns.receive(session, raw, source=f"scene:{number}", now=utc_now())
        wrote = {"sender_address": "ewa@people.example", "sender_canonical": "ewa@people.example", "words": "Thanks."}
        session.add(Reply(digest="x", mailing_id=update, kind=ReplyKind.HUMAN, received_at=utc_now(), **wrote))
    worker.until_idle()


def played() -> Stage:
    """The whole demonstration, with an operator who can sign in."""
    play_until(play.SCENES[-1][1])
    with transaction() as session:
        entry = accounts.NewAccount(email="op@x.example", name="Op", operator=True)
        operator = accounts.create_account(session, entry, by=SYSTEM, now=utc_now())
    answered()
    with reading() as session:
        made = coalition(session, material.COALITION)
        letter, petition, robin = lettering.the_letter(session), crowd.petition(session), person(session, ROBIN)
        assert made is not None
        assert petition is not None
        assert robin is not None
        base = f"/work/{made.slug}"
        text, campaign = f"{base}/statements/{letter.slug}", f"{base}/campaigns/{petition.campaign.slug}"
        supporter = session.scalar(sa.select(Signature.supporter_id).where(Signature.supporter_id.is_not(None))) or 0
        update, delivery = session.scalar(sa.select(Broadcast.id)), session.scalar(sa.select(Delivery.id))
        reply = session.scalars(sa.select(Reply).where(Reply.email_id.is_not(None))).first()
        assert reply is not None
        answered_one = session.scalar(sa.select(Delivery.id).where(Delivery.email_id == reply.email_id))
        lead = "/organizations/fight-for-the-future"
        pending = session.scalars(sa.select(Email.context).where(Email.template == "petitions/mail/confirm")).first()
        sent = session.scalar(sa.select(sa.func.min(Email.id)))
        assert pending is not None
        return Stage(
            public=[
                *("/", f"/c/{made.slug}", f"/campaigns/{petition.campaign.slug}", f"/petitions/{petition.slug}"),
                *(f"/statements/{letter.slug}", f"/statements/{letter.slug}/verify", "/verify"),
                *(f"/editions/{letter.slug}/1", f"/targets/{made.slug}/amazon-com"),
            ],
            links=[
                *(str(pending["confirm_path"]), f"/petitions/{petition.slug}/thanks"),
                *(preferences_path(supporter, utc_now()), f"{preferences_path(supporter, utc_now())}/erase"),
                unsubscribe_path(supporter, 1, utc_now()),
                *(link("dana@aclu.example", "signons/mail/request", "answer_path"), reply_path(reply, now=utc_now())),
                link("dana@aclu.example", "signons/mail/signed", "receipt_path"),
                link("zoe@drwi.example", "coalitions/mail/invitation", "invitation_path"),
                *("/sign-in", "/password/forgotten"),
            ],
            workroom=[
                *("/home", "/account", "/work/new", base, lead, f"{lead}/edit", f"{base}/organizations"),
                *(f"{base}/organizations/new", f"{base}/organizations/import", f"{base}/audit", f"{base}/targets"),
                *(f"{base}/organizations/american-civil-liberties-union", f"{base}/targets/import"),
                *(f"{base}/targets/new", f"{base}/campaigns", f"{base}/campaigns/new", campaign, f"{campaign}/edit"),
                *(f"{campaign}/commitments/new", f"{campaign}/statements/new", f"{campaign}/petitions/new"),
                *(f"{campaign}/updates/new", f"{base}/statements", text, f"{text}/revisions", f"{text}/revisions/2"),
                *(f"{text}/sign-ons", f"{base}/petitions/{petition.slug}", f"{base}/petitions/{petition.slug}/report"),
                *(f"{base}/updates", f"{base}/updates/{update}", f"{base}/deliveries"),
                *(f"{base}/deliveries/{delivery}", f"{base}/deliveries/{answered_one}"),
                f"{base}/updates/{update}/replies",
            ],
            operator=[
                *("/operator/mail", f"/operator/mail/{sent}", "/operator/mail/check", "/operator/letters"),
                *("/operator/letters/signons/signed", "/operator/letters/broadcasts/update?language=ar", "/dev/mail"),
                *("/operator/replies", "/operator/returns", "/operator/suppressions"),
            ],
            organizer=robin,
            operator_account=operator,
        )
