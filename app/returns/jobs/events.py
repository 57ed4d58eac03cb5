"""What the worker does with what comes back: posts worked off, lists of the provider read each night, old rows gone."""

from __future__ import annotations

import structlog

from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.jobs.bell import job
from app.mail.lists import PAGE, ListUnread, ProviderLists
from app.returns import commands
from app.returns.commands import WORK_OFF, PostClaim
from app.returns.rules.reading import Heard, Unreadable, read_post
from config.settings import MailTransport, Settings

CHUNK = 2_000  # reports in one transaction
log = structlog.get_logger()


class _Bound:
    lists: ProviderLists | None = None


def bind(settings: Settings) -> None:
    """Say once, at the start, whether there is a provider whose lists are read."""
    _Bound.lists = None
    if settings.mail_transport is MailTransport.SENDGRID:
        _Bound.lists = ProviderLists(settings.sendgrid_api_key, host=settings.sendgrid_host)


@job(WORK_OFF)
def work_off() -> int:
    """Work off some posts; returns how many. Interrupted anywhere, the next worker does it again without harm."""
    with transaction() as session:
        claims = commands.take_posts(session, now=utc_now())
    if not claims:
        return 0
    with reading() as session:
        bodies = commands.bodies(session, claims)
    heard: list[Heard] = []
    ignored = 0
    read: dict[int, int] = {}
    for claim in claims:
        try:
            post = read_post(bodies[claim.post_id], now=utc_now())
        except Unreadable as problem:
            _put_aside(claim, str(problem))
            continue
        heard += post.heard
        ignored += post.ignored
        read[claim.post_id] = len(post.heard) + post.ignored
    for start in range(0, max(len(heard), 1), CHUNK):
        with transaction() as session:
            commands.hear(session, heard[start : start + CHUNK], ignored=0 if start else ignored, now=utc_now())
    with transaction() as session:
        commands.settle_posts(session, [claim for claim in claims if claim.post_id in read], read)
    return len(claims)


def _put_aside(claim: PostClaim, reason: str) -> None:
    log.error("a post of the mail provider cannot be read", post=claim.post_id, reason=reason)
    with transaction() as session:
        commands.unreadable(session, claim, reason)


@job("returns.pull")
def pull() -> int:
    """Read one of the provider's lists that is due; returns how many were read."""
    if _Bound.lists is None:
        return 0
    until = utc_now()
    with transaction() as session:
        claim = commands.take_pull(session, now=until)
    if claim is None:
        return 0
    seen = 0
    try:
        while True:
            entries = _Bound.lists.page(claim.which, since=claim.since, until=until, offset=seen)
            with transaction() as session:
                commands.take_entries(session, claim.which, entries, now=utc_now())
            seen += len(entries)
            if len(entries) < PAGE:
                break
    except ListUnread as trouble:
        log.warning("a list of the mail provider was not read", list=claim.which.value, reason=trouble.reason)
        with transaction() as session:
            commands.pull_failed(session, claim, trouble.reason, now=utc_now())
        return 1
    with transaction() as session:
        commands.settle_pull(session, claim, until=until, entries=seen, now=utc_now())
    return 1


@job("returns.forget_old")
def forget_old() -> int:
    """Delete some posts and reports that nobody needs any more."""
    with transaction() as session:
        return commands.forget_old(session, now=utc_now())
