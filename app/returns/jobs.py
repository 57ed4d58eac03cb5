"""What the worker does with what comes back: posts worked off, lists of the provider read each night, old rows gone."""

from __future__ import annotations

import structlog

from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.jobs.bell import job
from app.returns import commands
from app.returns.commands import WORK_OFF, PostClaim
from app.returns.rules.reading import Heard, Unreadable, read_post

CHUNK = 2_000  # reports in one transaction
log = structlog.get_logger()


@job(WORK_OFF)
def work_off() -> int:
    """Work off some posts; returns how many. Interrupted anywhere, the next worker does it again and changes nothing."""
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


@job("returns.forget_old")
def forget_old() -> int:
    """Delete some posts and reports that nobody needs any more."""
    with transaction() as session:
        return commands.forget_old(session, now=utc_now())
