"""Every write to accounts: making one, signing in, passwords, ending sessions."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import sqlalchemy as sa
from pydantic import Field, StringConstraints

from app.accounts import messages, queries, rules
from app.accounts.models import Account, AccountLink, LinkPurpose
from app.core import audit, db, limits, tokens
from app.core.errors import Conflict, Invalid, TooMany
from app.core.inputs import Email, Input, Name
from app.core.text import canonical_email
from app.jobs.bell import ring
from app.mail import outbox
from app.mail.models import Email as Letter

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor

Password = Annotated[str, StringConstraints(strip_whitespace=False, min_length=1, max_length=1_000)]
LINK_LASTS = timedelta(minutes=15)
RESET_LASTS = timedelta(minutes=60)
# How long a letter with a link may wait for a mail provider. Later it would only puzzle whoever asked for it.
WANTED = timedelta(hours=1)
# Letters are counted over no longer than a link lasts: whoever used them up has just had a link mailed that works.
MOST_LETTERS = 10
MOST_GUESSES = 40
WRONG = "The e-mail address or the password is not right. Check both, or have a sign-in link mailed to you."
OVERTAKEN = "While you signed in, this account's password was changed or its sessions were ended. Sign in again."


class NewAccount(Input):
    """Somebody who will sign in; without a password, by e-mailed links only."""

    email: Email
    name: Name
    password: Password | None = None
    operator: bool = False


class PasswordSignIn(Input):
    """What the sign-in form holds."""

    email: Email
    password: Password


class Mailbox(Input):
    """To whom a link shall be mailed, and the page to go on to."""

    email: Email
    next: Annotated[str, Field(max_length=500)] = ""


class NewPassword(Input):
    """A password chosen once."""

    password: Password


class PasswordChange(Input):
    """A new password, and the old one where there is one."""

    current: Password | None = None
    password: Password


class AccountFacts(Input):
    """What a person may change about themselves."""

    name: Name


def create_account(session: Session, entry: NewAccount, *, by: Actor, now: datetime) -> Account:
    """Make an account. Who may is asked by the caller: the command line, or the acceptance of an invitation."""
    _refuse_weak(entry.password, email=entry.email, name=entry.name)
    values = {
        "email": entry.email,
        "email_canonical": canonical_email(entry.email),
        "name": entry.name,
        "password_hash": rules.hashed(entry.password) if entry.password else None,
        "is_operator": entry.operator,
        "epoch": 1,
        "created_at": now,
    }
    if not db.insert_once(session, Account, [values], unique=["email_canonical"]):
        raise Conflict(f"{entry.email} already has an account. Sign in with it, or have a link mailed to it.")
    account = session.scalars(sa.select(Account).where(Account.email_canonical == values["email_canonical"])).one()
    audit.record(session, "account.created", account, by=by, now=now, name=account.name)
    return account


def sign_in_with_password(session: Session, entry: PasswordSignIn) -> Account:
    """The account of a right pair. It only reads, so that the slow check holds no lock; note_sign_in writes.

    Raises Invalid with the same words, after the same time, for an unknown address and a wrong password.
    """
    account = queries.by_email(session, entry.email)
    if not rules.matches(account.password_hash if account else None, entry.password) or account is None:
        raise Invalid({"password": WRONG})
    return account


def note_sign_in(
    session: Session, account_id: int, *, epoch: int, new_hash: str | None = None, now: datetime
) -> Account:
    """Remember when somebody signed in, and their password hashed anew if the parameters have changed.

    ``epoch`` is the account's when the password was checked. If it was raised since, the proof is of a password or of
    sessions that ended meanwhile: Conflict, no session, and the old password is not written back.
    """
    account = db.locked(session, Account, account_id)
    if account.epoch != epoch:
        raise Conflict(OVERTAKEN)
    account.last_sign_in_at = now
    if new_hash is not None:
        account.password_hash = new_hash
    return account


class Try(Enum):
    """What somebody tries, each with a limit of its own, and what they can do when it is used up."""

    SIGN_IN = "Or have a sign-in link mailed to you: that has a limit of its own."
    SIGN_IN_LINK = "If the address has an account, the newest letter in its mailbox holds a link that signs in."
    RESET_LINK = "If the address has an account, the newest letter in its mailbox holds a link that sets a password."
    PASSWORD_CHANGE = "Or sign out and have a link mailed that sets a new password."  # noqa: S105 - words


LETTERS = {Try.SIGN_IN_LINK, Try.RESET_LINK}


def spend_try(session: Session, what: Try, email: str, *, by: Actor, now: datetime) -> None:
    """Count a try at signing in or asking for a letter, whether or not the address is known; TooMany beyond it.

    In a transaction of its own. Counted per network address, and per mailbox from that address, so that a stranger
    elsewhere cannot lock a person out; a wider count per mailbox bounds guessing from many addresses. Whoever uses
    that up shuts the password's door only: of mailed links at least one each quarter of an hour still works.
    """
    quarter = timedelta(minutes=15)
    try:
        mailbox = canonical_email(email)
    except ValueError:
        mailbox = ""
    whom = limits.network(by.address)
    wide, per = (MOST_LETTERS, LINK_LASTS) if what in LETTERS else (MOST_GUESSES, timedelta(hours=1))
    try:
        limits.spend(session, what.name, whom, allowed=30, per=quarter, now=now)
        limits.spend(session, what.name, f"{whom} {mailbox}", allowed=8, per=quarter, now=now)
        limits.spend(session, what.name, mailbox, allowed=wide, per=per, now=now)
    except TooMany as refusal:
        raise TooMany(refusal.retry_after, otherwise=what.value) from refusal


def sign_in_path(
    session: Session, account: Account, *, lasts: timedelta = LINK_LASTS, onward: str = "", now: datetime
) -> str:
    """Make a single-use link that signs in and give its path. Whoever gets it is the account: mail or print it once."""
    _, path = _link(session, account, LinkPurpose.SIGN_IN, lasts=lasts, now=now)
    return f"{path}?next={quote(onward, safe='/')}" if onward else path


def _link(
    session: Session, account: Account, purpose: LinkPurpose, *, lasts: timedelta, now: datetime
) -> tuple[AccountLink, str]:
    secret = tokens.secret()
    row = AccountLink(
        account_id=account.id,
        purpose=purpose,
        secret_digest=tokens.digest(secret),
        created_at=now,
        expires_at=now + lasts,
    )
    room = "/sign-in/link" if purpose is LinkPurpose.SIGN_IN else "/password/reset"
    return db.add(session, row), f"{room}/{secret}"


def request_sign_in_link(session: Session, entry: Mailbox, *, by: Actor, now: datetime) -> None:
    """Mail a sign-in link if the address is known. It answers nothing, and does as much work when it is not."""
    _ = by
    account = queries.by_email(session, entry.email)
    if account is None:
        _work_for_nobody(session, now)
        return
    link, path = _link(session, account, LinkPurpose.SIGN_IN, lasts=LINK_LASTS, now=now)
    onward = f"{path}?next={quote(entry.next, safe='/')}" if entry.next else path
    letter = messages.sign_in_link(account, onward, LINK_LASTS, until=now + WANTED)
    outbox.queue(session, letter, once=queries.letter_key(link.id), now=now)


def request_password_reset(session: Session, entry: Mailbox, *, by: Actor, now: datetime) -> None:
    """Mail a link to choose a new password if the address is known; otherwise do as much work and mail nothing."""
    _ = by
    account = queries.by_email(session, entry.email)
    if account is None:
        _work_for_nobody(session, now)
        return
    link, path = _link(session, account, LinkPurpose.RESET_PASSWORD, lasts=RESET_LASTS, now=now)
    letter = messages.reset_link(account, path, RESET_LASTS, until=now + WANTED)
    outbox.queue(session, letter, once=queries.letter_key(link.id), now=now)


def _work_for_nobody(session: Session, now: datetime) -> None:
    """Write and take back a letter, leave a row, ring the bell: the time of the answer says nothing."""
    nobody = Account(email="nobody@undersigned.example", name="Nobody")
    with session.begin_nested() as attempt:
        letter = messages.sign_in_link(nobody, "/", LINK_LASTS, until=now + WANTED)
        outbox.queue(session, letter, once=f"nobody:{tokens.secret()}", now=now)
        attempt.rollback()
    limits.spend(session, "letter to nobody", "", allowed=2**31, per=timedelta(hours=1), now=now)
    ring(session, outbox.SEND)


def use_link(session: Session, token: str, *, by: Actor, now: datetime) -> Account:
    """Use a sign-in link, once. Raises StaleLink for a used, expired or altered one."""
    _ = by
    account = _spent(session, token, LinkPurpose.SIGN_IN, now=now)
    account.last_sign_in_at = now
    return account


def _spent(session: Session, token: str, purpose: LinkPurpose, *, now: datetime) -> Account:
    # The account is held before its link, as when a new password ends every link: the other order could deadlock.
    known = queries.link(session, token, purpose, now=now)
    account = db.locked(session, Account, known.account_id)
    queries.link(session, token, purpose, now=now, lock=True).used_at = now
    session.flush()
    return account


def reset_password(session: Session, token: str, entry: NewPassword, *, by: Actor, now: datetime) -> Account:
    """Use a reset link, once, and set the password; a refused password leaves the link unused."""
    account = set_password(session, _spent(session, token, LinkPurpose.RESET_PASSWORD, now=now), entry, by=by, now=now)
    account.last_sign_in_at = now
    return account


def change_password(session: Session, account_id: int, entry: PasswordChange, *, by: Actor, now: datetime) -> Account:
    """Set a new password for somebody who is signed in and knows the old one, if there is one."""
    account = db.locked(session, Account, account_id)
    if account.password_hash and not rules.matches(account.password_hash, entry.current or ""):
        raise Invalid({"current": "This is not your present password. If you forgot it, have a reset link mailed."})
    return set_password(session, account, NewPassword(password=entry.password), by=by, now=now)


def set_password(session: Session, account: Account, entry: NewPassword, *, by: Actor, now: datetime) -> Account:
    """Give an account a password. All its sessions and open links end, and a letter tells the owner."""
    _refuse_weak(entry.password, email=account.email, name=account.name)
    account.password_hash = rules.hashed(entry.password)
    sign_out_everywhere(session, account, by=by, now=now)
    letter = messages.password_changed(account, now)
    outbox.queue(session, letter, once=f"account:{account.id}:password:{account.epoch}", now=now)
    return account


def sign_out_everywhere(session: Session, account: Account, *, by: Actor, now: datetime) -> Account:
    """End every session of an account, and every link that could start one."""
    _ = by
    account.epoch = Account.epoch + 1
    ended = session.scalars(
        sa.update(AccountLink)
        .where(AccountLink.account_id == account.id, AccountLink.used_at.is_(None))
        .values(used_at=now)
        .returning(AccountLink.id)
    ).all()
    waiting = Letter.once.in_([queries.letter_key(ident) for ident in ended])
    outbox.take_back(session, waiting, reason="Its link was ended before it left.", now=now)
    session.flush()
    session.refresh(account)
    return account


def edit_account(session: Session, account_id: int, entry: AccountFacts, *, by: Actor, now: datetime) -> Account:
    """Change the name that colleagues see."""
    account = db.locked(session, Account, account_id)
    if account.name != entry.name:
        audit.record(session, "account.renamed", account, by=by, now=now, before=account.name, after=entry.name)
        account.name = entry.name
    return account


def _refuse_weak(password: str | None, *, email: str, name: str) -> None:
    words = rules.complaint(password, email=email, name=name) if password is not None else None
    if words:
        raise Invalid({"password": words})
