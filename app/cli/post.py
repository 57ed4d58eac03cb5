"""``flask mail``: the operator's page of the post office for terminals and monitors, and the same levers."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from app.cli.shared import OPERATOR, sentences
from app.core import db
from app.core.clock import utc_now
from app.mail import commands as post
from app.mail import queries
from app.mail.deliverability import Asker, Finding, Grade, check, sending
from app.mail.rules import lasting
from app.mail.standing import Standing, standing

if TYPE_CHECKING:
    from config.settings import Settings

mail = AppGroup("mail", help="The outbox: what waits, what failed, holding back and letting go.")
as_json = click.option("--json", "for_machines", is_flag=True, help="For monitors.")


def _settings() -> Settings:
    found: Settings = current_app.config["SETTINGS"]
    return found


@mail.command("status")
@as_json
@with_appcontext
def status(*, for_machines: bool) -> None:
    """How letters stand and what holds them back. Status 1: letters do not leave."""
    with db.reading() as session:
        now_true = standing(session, now=utc_now())
    if for_machines:
        click.echo(json.dumps(now_true.as_json()))
    else:
        for line in _lines(now_true):
            click.echo(line)
    sys.exit(1 if now_true.stuck else 0)


def _lines(now_true: Standing) -> list[str]:
    lines = [f"{state.value:12}{count:>9,}" for state, count in now_true.counts.items()]
    for lane in now_true.lanes:
        wait = f", the longest for {lasting(now_true.at - lane.oldest)}" if lane.oldest else ""
        later = f"; {lane.later:,} put off until {lane.next_try:%Y-%m-%d %H:%M} UTC" if lane.next_try else ""
        lines.append(f"{lane.name}: {lane.due:,} due{wait}{later}")
    held = now_true.handing
    lines.append(
        f"Being handed over: {held.now:,}. Worker gone: {held.lost:,} "
        f"({held.lost_again:,} go again, {held.lost_unknown:,} become unknown)"
    )
    lines.append(f"Stuck, in the hands of a worker that is gone: {now_true.left_behind:,}")
    lines.append(f"Unknown and undecided: {now_true.undecided:,}")
    lines.append(f"Workers seen in the last three minutes: {', '.join(now_true.workers) or 'none'}")
    if not now_true.workers:
        lines.append(now_true.without_worker)
    lines += [
        f"{one.name} was last heard of {lasting(now_true.at - one.seen_at)} ago; it may have been killed"
        for one in now_true.silent
    ]
    lines += [
        f"Held back since {one.since:%Y-%m-%d %H:%M} UTC by {one.who} ({one.transport}): "
        f"{one.reason.rstrip('.')}. {one.until}"
        for one in now_true.hindrances
    ]
    lines += [f"{part.title}: {sentence}" for part in now_true.parts for sentence in part.says]
    return [*lines, *(f"Letters do not leave: {reason}" for reason in now_true.stuck)]


@mail.command("pause")
@click.option("--reason", default="", help="Why; colleagues read it on the operator's page.")
@with_appcontext
def pause(reason: str) -> None:
    """Hold back every letter until ``flask mail resume``."""
    with sentences(), db.transaction() as session:
        newly = post.hold(session, _settings().mail_transport.value, reason, by=OPERATOR, now=utc_now())
    click.echo("Letters are held back." if newly else "Letters were held back already.")


@mail.command("resume")
@with_appcontext
def resume() -> None:
    """Let letters leave again."""
    with sentences(), db.transaction() as session:
        left_alone = bool(queries.circuits(session))
        lifted = post.resume(session, by=OPERATOR, now=utc_now())
    if left_alone and not lifted:
        click.echo("Letters are tried now. If the mail provider still serves nobody, they wait again and lose nothing.")
    else:
        click.echo("Letters leave again." if lifted else "Letters were not held back.")


@mail.command("retry")
@click.argument("ids", nargs=-1, type=int)
@click.option("--all", "every", is_flag=True, help="Every letter that failed.")
@with_appcontext
def retry(ids: tuple[int, ...], *, every: bool) -> None:
    """Try failed letters again. Those whose outcome is unknown stay: they may have arrived."""
    if bool(ids) == every:
        raise click.UsageError("Name letters by their ids, or say --all.")
    with sentences(), db.transaction() as session:
        done = post.retry_all(session, by=OPERATOR, now=utc_now()) if every else len(ids)
        for ident in ids:
            post.retry(session, ident, by=OPERATOR, now=utc_now())
    click.echo(f"{done} will be tried again.")


@mail.command("requeue-stuck")
@as_json
@with_appcontext
def requeue_stuck(*, for_machines: bool) -> None:
    """Free letters whose worker is gone: what may repeat goes again, the rest becomes unknown."""
    with sentences(), db.transaction() as session:
        done = post.requeue_stuck(session, by=OPERATOR, now=utc_now())
    numbers = {"again": done.again, "unknown": done.unknown, "freed": done.freed}
    click.echo(json.dumps(numbers) if for_machines else done.told)


@mail.command("trial")
@click.argument("address")
@click.option("--name", default="", help="Whom the letter greets.")
@with_appcontext
def trial(address: str, name: str) -> None:
    """Send a trial letter, to see whether mail leaves and how it arrives."""
    with sentences(), db.transaction() as session:
        post.trial(session, address, name, by=OPERATOR, now=utc_now())
    click.echo("Queued. A worker sends it; flask mail status tells what became of it.")


@mail.command("check")
@as_json
@with_appcontext
def check_domain(*, for_machines: bool) -> None:
    """Look up SPF, DKIM, DMARC and MX of the sending domain. Status 1: something must be mended."""
    how = sending(_settings())
    findings = check(Asker(_settings().mail_dns_server), how)
    with sentences(), db.transaction() as session:
        post.keep_check(session, how.domain, findings, by=OPERATOR, now=utc_now())
    if for_machines:
        click.echo(json.dumps({"domain": how.domain, "findings": [one.as_json() for one in findings]}))
    else:
        for finding in findings:
            _print_finding(finding)
    sys.exit(1 if any(one.grade is Grade.BAD for one in findings) else 0)


def _print_finding(finding: Finding) -> None:
    click.echo(f"{finding.name}: {finding.grade.value}. {finding.says}")
    if finding.found:
        click.echo(f"  published now: {finding.found}")
    if finding.publish is not None:
        click.echo(f"  publish: {finding.publish.name} {finding.publish.kind} {finding.publish.value}")
