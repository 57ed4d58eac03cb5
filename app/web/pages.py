"""Answering with a page: templates with the house's filters, redirects after a post, notices, and paging."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING

from flask import Flask, Response, flash, redirect, render_template, request
from markupsafe import Markup

from app.core import markup
from app.core.clock import local, spoken, utc_now
from app.core.countries import country
from app.core.inputs import LARGEST_ID

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse


def page(template: str, **values: object) -> str:
    """Render a template of this feature: ``page("petitions/show.html", petition=petition)``."""
    return render_template(template, **values)


def see_other(path: str, notice: str | None = None) -> AnyResponse:
    """Go on to another page after a POST; ``notice`` is shown there once (only where there is a session)."""
    if notice:
        flash(notice, "good")
    return redirect(path, 303)


def download(body: bytes, name: str, mimetype: str, *, inline: bool = False) -> Response:
    """A file to keep."""
    response = Response(body, mimetype=mimetype)
    response.headers.set("Content-Disposition", "inline" if inline else "attachment", filename=name)
    return response


def stream(parts: Iterable[bytes], name: str, mimetype: str) -> Response:
    """A file to keep that is made while it leaves. ``parts`` is read outside of this request's transactions."""
    response = Response(parts, mimetype=mimetype)
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def cursor() -> int | None:
    """The id to page from: ``?before=123``; anything else counts as the first page."""
    before = request.args.get("before", type=int)
    return before if before is not None and 0 < before <= LARGEST_ID else None


def _moment(value: datetime, zone: str = "UTC") -> Markup:
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(), spoken(value, zone))


def _day(value: date | datetime, zone: str = "UTC") -> Markup:
    shown = local(value, zone).date() if isinstance(value, datetime) else value
    return Markup('<time datetime="{}">{}</time>').format(shown.isoformat(), f"{shown:%B} {shown.day}, {shown.year}")


def _number(value: int) -> str:
    return f"{value:,}"


def _markdown(text: str, prefix: str = "") -> Markup:
    return Markup(markup.to_html(text, prefix=prefix))  # noqa: S704 - to_html sanitizes with nh3


def install(app: Flask) -> None:
    """Hang the filters into the templates: ``{{ at|moment(zone) }}``, ``day``, ``number``, ``markdown``."""
    app.jinja_env.filters.update(moment=_moment, day=_day, number=_number, markdown=_markdown, country=country)
    app.jinja_env.filters.update(excerpt=markup.excerpt)
    app.jinja_env.globals.update(now=utc_now)
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
