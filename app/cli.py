"""The command line: parse, call a command, print. ``flask --help`` lists it."""

from __future__ import annotations

import click
from flask import Flask
from flask.cli import AppGroup

from app.jobs import worker

user = AppGroup("user", help="People who sign in.")
imports = AppGroup("import", help="Read organizations and targets from CSV files.")


@click.command("worker")
@click.option("--until-idle", is_flag=True, help="Do all work there is, then stop.")
@click.option("--threads", default=4, show_default=True, help="How many jobs at a time.")
def run_worker(*, until_idle: bool, threads: int) -> None:
    """Send letters, close statements, count signatures: everything that outlives a request."""
    if until_idle:
        click.echo(f"{worker.until_idle()} pieces of work done.")
    else:
        worker.serve(threads)


def install(app: Flask) -> None:
    """Hang the commands into ``flask``."""
    app.cli.add_command(user)
    app.cli.add_command(imports)
    app.cli.add_command(run_worker)
