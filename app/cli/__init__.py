"""The command line: parse, call a command, print. ``flask --help`` lists it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, BinaryIO

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext

from app.accounts import commands as accounts
from app.accounts import models as accounts_models
from app.accounts import queries as accounts_queries
from app.cli.post import mail
from app.cli.shared import OPERATOR, sentences
from app.coalitions import commands as coalitions
from app.coalitions import queries as coalitions_queries
from app.core import db, moving
from app.core.clock import utc_now
from app.core.tables import ImportResult, lots
from app.demo.play import play
from app.jobs import worker
from app.targets import commands as targets
from app.targets import queries as targets_queries
from config.server import Supervisor, web_command, worker_command

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.tables import Table

user = AppGroup("user", help="People who sign in.")
imports = AppGroup("import", help="Read organizations and targets from CSV files.")
database = AppGroup("database", help="The database as a whole.")
demo = AppGroup("demo", help="The demonstration campaign.")


def print_link(session: Session, account: accounts_models.Account) -> None:
    """A link that signs this person in once, for whoever reads the terminal."""
    path = accounts.sign_in_path(session, account, lasts=timedelta(hours=24), now=utc_now())
    click.echo(f"Sign in once, within 24 hours: {current_app.config['SETTINGS'].base_url}{path}")


@user.command("create")
@click.argument("email")
@click.option("--name", required=True, help="As colleagues shall see it.")
@click.option("--operator", is_flag=True, help="May create coalitions and see how the installation does.")
@click.option("--password", is_flag=True, help="Ask for a password; otherwise a sign-in link is printed.")
@with_appcontext
def create_user(email: str, name: str, *, operator: bool, password: bool) -> None:
    """Make an account; everybody after the first operator comes by invitation."""
    chosen = click.prompt("Password", hide_input=True, confirmation_prompt=True) if password else None
    with sentences(), db.transaction() as session:
        given = {"email": email, "name": name, "operator": operator, "password": chosen}
        account = accounts.create_account(session, accounts.NewAccount.of(given), by=OPERATOR, now=utc_now())
        click.echo(f"{account.name} <{account.email}> has an account{' as an operator' if operator else ''}.")
        if not password:
            print_link(session, account)


@user.command("link")
@click.argument("email")
@with_appcontext
def link_user(email: str) -> None:
    """Print a sign-in link, for when no letter arrives."""
    with sentences(), db.transaction() as session:
        account = accounts_queries.by_email(session, email)
        if account is None:
            raise click.ClickException(f"{email} has no account. Make one with: flask user create")
        print_link(session, account)


@imports.command("organizations")
@click.argument("file", type=click.File("rb"))
@click.option("--coalition", "slug", required=True, help="The coalition's name in its addresses.")
@with_appcontext
def import_organizations(file: BinaryIO, slug: str) -> None:
    """Read organizations into a coalition; bad lines are listed and the good ones go in."""
    with sentences():
        read = coalitions.read_organizations(file.read())
        print_result(_in_lots(slug, read, coalitions.take_organizations))


@imports.command("targets")
@click.argument("file", type=click.File("rb"))
@click.option("--coalition", "slug", required=True, help="The coalition's name in its addresses.")
@with_appcontext
def import_targets(file: BinaryIO, slug: str) -> None:
    """Read targets into a coalition; bad lines are listed and the good ones go in."""
    with sentences():
        print_result(_in_lots(slug, targets.read_targets(file.read()), targets.take_targets))


def _in_lots(slug: str, read: Table[Any], take: Callable[..., ImportResult]) -> ImportResult:
    """Take a file a lot at a time, so that others can write between; a run that was cut short is simply run again."""
    with db.reading() as session:
        coalitions_queries.coalition_called(session, slug)
    result = ImportResult(problems=read.problems)
    for lot in lots(read.rows):
        with db.transaction() as session:
            coalition = coalitions_queries.coalition_called(session, slug)
            result.join(take(session, coalition, lot, by=OPERATOR, now=utc_now()))
    return result


@imports.command("districts")
@click.argument("file", type=click.File("rb"))
@click.option("--coalition", "slug", required=True, help="The coalition's name in its addresses.")
@click.option("--body", required=True, help="The body's name in its addresses.")
@with_appcontext
def import_districts(file: BinaryIO, slug: str, body: str) -> None:
    """Read postal prefixes and their districts into a body; bad lines are listed and the good ones go in."""
    with sentences(), db.transaction() as session:
        coalition = coalitions_queries.coalition_called(session, slug)
        row = targets_queries.target_of(session, coalition.id, body)
        result = targets.import_districts(session, row, file.read(), by=OPERATOR, now=utc_now())
    print_result(result)


def print_result(result: ImportResult) -> None:
    """What became of a file, and the lines that could not be taken."""
    click.echo(f"{result.added} added, {result.updated} updated, {result.unchanged} unchanged.")
    for problem in result.problems:
        click.echo(f"Line {problem.line}: {problem.reason}", err=True)


@click.command("worker")
@click.option("--until-idle", is_flag=True, help="Do all work there is, then stop.")
@click.option("--threads", default=4, show_default=True, help="Threads that hand letters over.")
def run_worker(*, until_idle: bool, threads: int) -> None:
    """Send letters, close statements, count signatures: everything that outlives a request."""
    if until_idle:
        click.echo(f"{worker.until_idle()} pieces of work done.")
    else:
        worker.serve(threads)


@click.command("serve")
@with_appcontext
def serve() -> None:
    """Run the web server and a worker together until Ctrl-C."""
    settings = current_app.config["SETTINGS"]
    click.echo(f"Undersigned is at {settings.base_url} (stop with Ctrl-C)")
    sys.exit(Supervisor({"web": web_command(settings), "worker": worker_command(settings)}).run())


@database.command("copy")
@click.option(
    "--to", "url", required=True, help="An empty PostgreSQL with the same tables: postgresql://user@host/name."
)
@with_appcontext
def copy_database(url: str) -> None:
    """Copy every row into an empty PostgreSQL. Stop web and worker first: what they write meanwhile is left behind."""
    with sentences():
        for name, rows in moving.copy_everything(url):
            click.echo(f"{rows:>12,}  {name}")
    click.echo("Everything is copied and counted. Set DATABASE_URL to the new database and start again.")


@demo.command("play")
@with_appcontext
def play_demo() -> None:
    """Play the demonstration through the commands the web uses; playing twice doubles nothing."""
    with sentences():
        play(current_app.config["SETTINGS"])


def install(app: Flask) -> None:
    """Hang the commands into ``flask``."""
    app.cli.add_command(user)
    app.cli.add_command(imports)
    app.cli.add_command(database)
    app.cli.add_command(demo)
    app.cli.add_command(mail)
    app.cli.add_command(run_worker)
    app.cli.add_command(serve)
