"""Who may enter: every route declares it with one decorator, checked here before the view runs; and every header."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, redirect, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from flask_login import current_user
from flask_wtf.csrf import CSRFProtect

from app.core.actor import Actor
from app.core.errors import Conflict, NotFound
from app.core.inputs import LARGEST_ID

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as AnyResponse

View = TypeVar("View", bound=Callable[..., Any])
csrf = CSRFProtect()
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
FORWARDED = (
    *("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port"),
    *("X-Forwarded-Server", "X-Forwarded-Ssl", "X-Original-Host", "X-Real-Ip", "X-Client-Ip", "True-Client-Ip"),
    *("Cf-Connecting-Ip", "Cf-Ray", "Fly-Client-Ip", "X-Envoy-External-Address", "X-Amzn-Trace-Id", "Cdn-Loop"),
)


class Access(Enum):
    """Who may enter a route."""

    PUBLIC = "anybody; no cookie is read or set, so the page may be cached"
    LINK = "whoever holds the link; it proves itself in the command, and opening it changes nothing"
    VISITOR = "anybody, with a session: signing in and out"
    SIGNED_IN = "a person with an account; what they may do is asked in the query"
    OPERATOR = "an operator of this installation"
    MACHINE = "a program that proves itself by a signature or shared secret"
    DEVELOPMENT = "a browser at the machine itself, only while the development transport is on"


def _marker(access: Access) -> Callable[[View], View]:
    def mark(view: View) -> View:
        view.access = access  # type: ignore[attr-defined]
        return view

    return mark


public = _marker(Access.PUBLIC)
link_holder = _marker(Access.LINK)
visitor = _marker(Access.VISITOR)
signed_in = _marker(Access.SIGNED_IN)
operator = _marker(Access.OPERATOR)
machine = _marker(Access.MACHINE)
development = _marker(Access.DEVELOPMENT)


def actor() -> Actor:
    """Who makes this request, for ``by``."""
    address = request.remote_addr or ""
    if current_access() in {Access.PUBLIC, Access.LINK, Access.MACHINE} or not current_user.is_authenticated:
        return Actor(label="A visitor", address=address)
    return Actor(
        label=current_user.name,
        account_id=int(current_user.get_id()),
        operator=bool(current_user.is_operator),
        address=address,
    )


def current_access() -> Access | None:
    """What the matched route declares."""
    view = current_app.view_functions.get(request.endpoint or "")
    return getattr(view, "access", None)


def guard() -> AnyResponse | None:
    """Run before every view: refuse what the route's declaration does not let in."""
    if request.endpoint is None:
        return None
    refuse_the_unstorable()
    access = current_access()
    if access is None:
        abort(500, "This route does not declare who may enter.")
    if access is not Access.MACHINE and not _may_come_from_anywhere():
        refuse_foreign_posts()
    if access is Access.DEVELOPMENT and not (current_app.config["SHOW_DEV_MAIL"] and at_the_machine()):
        raise NotFound
    if access in {Access.SIGNED_IN, Access.OPERATOR}:
        if not current_user.is_authenticated:
            return redirect(f"/sign-in?next={_here()}", 303)
        if access is Access.OPERATOR and not current_user.is_operator:
            raise NotFound
        if request.method not in SAFE_METHODS:
            csrf.protect()
    return None


def at_the_machine() -> bool:
    """Whether a browser on this very machine asks, not through a proxy and not under another name.

    Written letters hold sign-in links. A proxy on this machine has a loopback address too; it gives itself away by a
    header, by the name it was asked for, or by the old HTTP version that nginx speaks to what it stands before.
    """
    host = urlsplit(f"//{request.host}").hostname or ""
    return (
        not current_app.config["SETTINGS"].trusted_proxies
        and _is_loopback(request.remote_addr or "")
        and (host == "localhost" or _is_loopback(host))
        and not any(name in request.headers for name in FORWARDED)
        and request.environ.get("SERVER_PROTOCOL") not in {"HTTP/1", "HTTP/1.0"}
    )


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def refuse_the_unstorable() -> None:
    """There is no page under an address with characters or numbers that no database row can have."""
    values = [*(request.view_args or {}).values(), *request.args.values()]
    if any(isinstance(value, str) and "\x00" in value for value in values):
        raise NotFound
    if any(isinstance(value, int) and abs(value) > LARGEST_ID for value in values):
        raise NotFound


def from_anywhere(view: View) -> View:
    """For a post that mail programs make on their own (RFC 8058), some from a page elsewhere; its link is the proof."""
    view.from_anywhere = True  # type: ignore[attr-defined]
    return view


def _may_come_from_anywhere() -> bool:
    return getattr(current_app.view_functions.get(request.endpoint or ""), "from_anywhere", False)


def _here() -> str:
    from urllib.parse import quote

    return quote(request.full_path.rstrip("?") if request.method == "GET" else "/home", safe="/")


def refuse_foreign_posts() -> None:
    """Refuse a form posted from another site. Public pages carry no token, so that any cache may hold them."""
    if request.method in SAFE_METHODS:
        return
    site = request.headers.get("Sec-Fetch-Site")
    if site in {"same-origin", "none"}:
        return
    origin = request.headers.get("Origin")
    if site is None and (origin is None or origin.partition("://")[2] == request.host):
        return
    message = "This form was sent from another site. Open the page here and send it again."
    raise Conflict(message)


def safe_next(target: str | None, otherwise: str = "/home") -> str:
    """A path of this site to go on to; never another site."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return otherwise
    # Browsers take tabs and line ends out of an address, which makes another site's of "/<tab>/evil.example".
    return otherwise if CONTROL.search(target) else target


HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

# A letter styles itself inline, so its page may; it runs nothing, loads nothing and knows nothing of this site.
LETTER_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors {framed_by}; sandbox allow-popups allow-popups-to-escape-sandbox"
)


def as_letter(response: Response, *, framed: bool = False) -> Response:
    """Put the page of a letter's HTML under a policy of its own; ``framed`` lets pages of ours show it in a frame."""
    response.headers["Content-Security-Policy"] = LETTER_POLICY.format(framed_by="'self'" if framed else "'none'")
    if framed:
        response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


def with_frames(response: Response) -> Response:
    """Let this page show other pages of ours in frames."""
    response.headers["Content-Security-Policy"] = f"{HEADERS['Content-Security-Policy']}; frame-src 'self'"
    return response


def finish(response: Response) -> Response:
    """Set the security headers and how long a cache may keep the page."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if current_app.config["SESSION_COOKIE_SECURE"]:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
    access = current_access()
    if access is Access.LINK:
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Robots-Tag"] = "noindex"
    if access is Access.PUBLIC and request.method == "GET" and response.status_code == 200:
        response.headers.setdefault("Cache-Control", "public, max-age=30")
    else:
        response.headers.setdefault("Cache-Control", "no-store")
    return response


class Sessions(SecureCookieSessionInterface):
    """Sessions that leave no trace on public pages.

    Flask would renew a signed-in reader's cookie on every page, and a shared cache would hand it to strangers.
    """

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Say nothing of sessions on a public page: no cookie, and no ``Vary: Cookie`` either."""
        if current_access() is not Access.PUBLIC:
            super().save_session(app, session, response)


def install(app: Flask) -> None:
    """Hang the guard and the headers into the app."""
    app.session_interface = Sessions()
    csrf.init_app(app)
    app.before_request(guard)
    app.after_request(finish)
    app.context_processor(shared_words)


def shared_words() -> dict[str, object]:
    """What every template may ask; who is signed in is nothing that a public page knows."""
    access = current_access()
    known: dict[str, object] = {} if access is Access.PUBLIC else {"current_user": current_user}
    return {"cacheable": access in {Access.PUBLIC, Access.LINK}, **known}
