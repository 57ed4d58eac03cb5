"""Logs as lines a person reads while developing and as JSON in production. No addresses of people in them."""

from __future__ import annotations

import logging

import structlog


def configure(level: str, *, json: bool) -> None:
    """Set up structlog for the process. Loggers of others that would print keys or people's words are kept quiet."""
    renderer = structlog.processors.JSONRenderer() if json else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    # It prints every mail that its detectors break at, with a traceback; app/returns/jobs/replies.py says it in a line.
    logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL + 1)
    for pinned in ("python_http_client", "sendgrid"):
        logging.getLogger(pinned).setLevel(logging.WARNING)
