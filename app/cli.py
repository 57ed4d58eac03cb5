"""The command line: parse, call a command, print. ``flask --help`` lists it."""

from __future__ import annotations

import sys

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext

from app.jobs import worker
from config.server import Supervisor, web_command, worker_command

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


@click.command("serve")
@with_appcontext
def serve() -> None:
    """Run the web server and a worker together until Ctrl-C."""
    settings = current_app.config["SETTINGS"]
    click.echo(f"Undersigned is at {settings.base_url} (stop with Ctrl-C)")
    sys.exit(Supervisor({"web": web_command(settings), "worker": worker_command(settings)}).run())


def install(app: Flask) -> None:
    """Hang the commands into ``flask``."""
    app.cli.add_command(user)
    app.cli.add_command(imports)
    app.cli.add_command(run_worker)
    app.cli.add_command(serve)
