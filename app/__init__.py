"""The composition root: the one place where all parts meet."""

from __future__ import annotations

from datetime import timedelta

import structlog
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from app import cli, schema
from app.accounts import views as accounts_views
from app.automations import jobs as automations_jobs
from app.automations import views as automations_views
from app.broadcasts import jobs as broadcasts_jobs
from app.broadcasts import views as broadcasts_views
from app.campaigns import jobs as campaigns_jobs
from app.campaigns import views as campaigns_views
from app.coalitions import views as coalitions_views
from app.core import db, tokens
from app.deliveries import jobs as deliveries_jobs
from app.deliveries import views as deliveries_views
from app.jobs import engine, worker
from app.mail import jobs as mail_jobs
from app.mail import render
from app.mail import views as mail_views
from app.mailings import jobs as mailings_jobs
from app.mailings import views as mailings_views
from app.operations import views as operations_views
from app.petitions import jobs as petitions_jobs
from app.petitions import views as petitions_views
from app.publishing import views as publishing_views
from app.returns import jobs as returns_jobs
from app.returns import views as returns_views
from app.signons import jobs as signons_jobs
from app.signons import views as signons_views
from app.statements import views as statements_views
from app.supporters import jobs as supporters_jobs
from app.supporters import views as supporters_views
from app.targets import views as targets_views
from app.web import assets, errors, login, operating, pages, security
from config import logging
from config.settings import MailTransport, Settings

VIEWS = (
    accounts_views,
    automations_views,
    broadcasts_views,
    campaigns_views,
    coalitions_views,
    deliveries_views,
    mail_views,
    mailings_views,
    operations_views,
    petitions_views,
    publishing_views,
    returns_views,
    signons_views,
    statements_views,
    supporters_views,
    targets_views,
)
# Importing these registers their jobs with the worker.
JOBS = (
    automations_jobs,
    broadcasts_jobs,
    campaigns_jobs,
    deliveries_jobs,
    mail_jobs,
    mailings_jobs,
    petitions_jobs,
    returns_jobs,
    signons_jobs,
    supporters_jobs,
)

__all__ = ["JOBS", "VIEWS", "configure", "create_app", "schema"]


def _bind_mail(settings: Settings) -> None:
    """Say how letters leave and what comes back of them."""
    render.bind(
        base_url=settings.base_url,
        mail_from=settings.mail_from,
        postal_address=settings.mail_postal_address,
        reply_domain=settings.reply_domain,
    )
    mail_jobs.bind(settings)
    returns_jobs.bind(settings)


def configure(app: Flask, settings: Settings) -> None:
    """Bind the process to its database, queue and keys, and tell the app what they are.

    Whatever an app knows of its settings comes from here, so that it can be given others without being made again.
    """
    logging.configure(settings.log_level, json=settings.production)
    db.connect(settings.database_url)
    tokens.bind(settings.secret_key)
    _bind_mail(settings)
    engine.bind(settings.queue_url, run=worker.heard)
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SETTINGS=settings,
        SHOW_DEV_MAIL=settings.mail_transport is MailTransport.DEV and not settings.production,
        MAX_CONTENT_LENGTH=settings.max_upload_mb * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
        PERMANENT_SESSION_LIFETIME=timedelta(days=30),
        SESSION_COOKIE_NAME="undersigned",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.base_url.startswith("https://"),
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
    )


def create_app(settings: Settings) -> Flask:
    """Hang every room into one Flask app, and bind it and the process to these settings."""
    app = errors.Quiet(__name__, static_folder=None, template_folder="../templates")
    configure(app, settings)
    if settings.trusted_proxies:
        # The n-th address from the right, never the first: anybody can write the left of X-Forwarded-For.
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=1, x_host=1)  # type: ignore[method-assign]
    for part in (security, errors, pages, assets, operating):
        part.install(app)
    login.install(app, accounts_views.load_person)
    for views in VIEWS:
        app.register_blueprint(views.blueprint)
    cli.install(app)
    structlog.get_logger().debug("ready", database=db.engine().dialect.name)
    return app
