"""What the worker tells the mail provider: whose updates stop there, and whose go on again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import timedelta

import structlog

from app.core.clock import utc_now
from app.core.db import transaction
from app.jobs.bell import job
from app.mail.groups import NotTold, UpdatesGroup
from app.returns import commands
from app.returns.commands import TELL, Wish
from config.settings import MailTransport, Settings

SECONDS = 60.0  # after so long no further request of a lot is begun; far less than its lease
UNTRIED = NotTold("", wait=timedelta(0))
Outcomes = dict[Wish, NotTold | None]
log = structlog.get_logger()


class _Bound:
    group: UpdatesGroup | None = None


def bind(settings: Settings) -> None:
    """Say once, at the start, whether there is a group of updates at a provider."""
    _Bound.group = None
    if settings.mail_transport is MailTransport.SENDGRID and settings.sendgrid_asm_group:
        _Bound.group = UpdatesGroup(settings.sendgrid_api_key, settings.sendgrid_asm_group, host=settings.sendgrid_host)
    commands.bind_telling(group=0 if _Bound.group is None else settings.sendgrid_asm_group)


@job(TELL)
def tell() -> int:
    """Carry out a lot of wishes; returns how many, 0 also in trouble, so that the next try is the sweep's."""
    group = _Bound.group
    if group is None:
        return 0
    with transaction() as session:
        wishes = commands.take_wishes(session, now=utc_now())
    if not wishes:
        return 0
    until = time.monotonic() + SECONDS
    if wishes[0].stopped:
        outcomes, trouble = _in_parts(wishes, group.stop, until)
    else:
        outcomes, trouble = _in_parts(wishes, lambda addresses: _let_back(group, addresses, until), until)
    _settle([(wish, outcomes[wish]) for wish in wishes])
    if trouble is not None:
        log.warning("the mail provider was not told whose updates stop", wishes=len(wishes), reason=trouble.reason)
        return 0
    return len(wishes)


def _in_parts(wishes: list[Wish], call: Callable[[list[str]], None], until: float) -> tuple[Outcomes, NotTold | None]:
    """What became of each wish, and the trouble that ended it. An address at fault is found by halving."""
    outcomes: Outcomes = {}
    waiting = [wishes]
    trouble: NotTold | None = None
    while waiting and trouble is None and time.monotonic() < until:
        part = waiting.pop()
        try:
            call([wish.address for wish in part])
        except NotTold as refusal:
            if not refusal.theirs:
                trouble = refusal
            elif len(part) == 1:
                outcomes[part[0]] = refusal
            else:
                waiting += [part[: len(part) // 2], part[len(part) // 2 :]]
        else:
            outcomes.update(dict.fromkeys(part))
    rest = trouble or UNTRIED
    return {wish: outcomes.get(wish, rest) for wish in wishes}, trouble


def _let_back(group: UpdatesGroup, addresses: list[str], until: float) -> None:
    """Take those out who are in: one question for all, then a request for each. What is done stays done."""
    for address in sorted(group.members(addresses)):
        if time.monotonic() >= until:
            raise UNTRIED
        group.let_go(address)


def _settle(told: Sequence[tuple[Wish, NotTold | None]]) -> None:
    with transaction() as session:
        left = commands.settle_wishes(session, told, patient=False, now=utc_now())
    for one in left:
        with transaction() as session:
            commands.settle_wishes(session, [one], now=utc_now())


@job("returns.forget_untold")
def forget_untold() -> int:
    """Delete some wishes that could not be told for a month."""
    with transaction() as session:
        return commands.forget_untold(session, now=utc_now())
