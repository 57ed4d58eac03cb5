"""``/healthz`` (the process), ``/readyz`` (what it stands on), ``/metrics`` (numbers for Prometheus)."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from sqlalchemy.exc import SQLAlchemyError

from app.core.clock import utc_now
from app.core.db import reading
from app.operations import queries
from app.web.security import machine

blueprint = Blueprint("operations", __name__)
READY, NOT_READY = 200, 503


@blueprint.get("/healthz")
@machine
def healthz() -> Response:
    """The process answers."""
    return Response("ok\n", mimetype="text/plain")


@blueprint.get("/readyz")
@machine
def readyz() -> tuple[Response, int]:
    """Every check by name; 503 if one is not good."""
    try:
        with reading() as session:
            checks = [
                *queries.checks(session, now=utc_now()),
                queries.database(),
            ]
    except SQLAlchemyError as error:
        checks = [queries.Check("database", good=False, detail=type(error).__name__)]
    good = all(check.good for check in checks)
    body = {
        "ready": good,
        "checks": {check.name: {"good": check.good, "detail": check.detail} for check in checks},
    }
    return jsonify(body), READY if good else NOT_READY


@blueprint.get("/metrics")
@machine
def metrics() -> Response:
    """Read from the database at each scrape, so that any number of processes tell the same numbers."""
    registry = CollectorRegistry()
    letters = Gauge("undersigned_letters", "Letters in the outbox by state", ["state"], registry=registry)
    waiting = Gauge("undersigned_oldest_letter_seconds", "Wait of the oldest due letter", registry=registry)
    circuits = Gauge(
        "undersigned_mail_circuit_open", "1 while a way out is left alone", ["transport"], registry=registry
    )
    posts = Gauge("undersigned_event_posts", "Posts of the mail provider by state", ["state"], registry=registry)
    oldest = Gauge("undersigned_oldest_event_post_seconds", "Wait of the oldest such post", registry=registry)
    ready = Gauge("undersigned_check", "1 if the readiness check is good", ["check"], registry=registry)
    now = utc_now()
    with reading() as session:
        for state, count in queries.letters_by_state(session).items():
            letters.labels(state).set(count)
        for circuit in queries.open_circuits(session):
            circuits.labels(circuit).set(1)
        found = queries.event_posts(session, now)
        posts.labels("waiting").set(found.waiting)
        posts.labels("failed").set(found.failed)
        oldest.set(found.oldest)
        waiting.set(queries.oldest_waiting(session, now))
        for check in queries.checks(session, now=now):
            ready.labels(check.name).set(int(check.good))
    return Response(generate_latest(registry), mimetype="text/plain; version=0.0.4")
