"""A real Chromium before a real server: pages that fail when the browser complains, and axe.

``CHROMIUM`` names the browser; without it the usual names on PATH are tried. Everything here is marked ``browser``.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from flask.sessions import SecureCookieSessionInterface
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, ViewportSize, sync_playwright
from werkzeug.serving import make_server

from config.settings import Settings

if TYPE_CHECKING:
    from flask import Flask

    from app.accounts.models import Account

DESKTOP, PHONE = ViewportSize(width=1280, height=900), ViewportSize(width=390, height=844)
# Quiet, and no call to its maker; without a sandbox only where Chromium refuses to start with one.
FLAGS = [
    *("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
    *(["--no-sandbox"] if os.geteuid() == 0 else []),
]

OpenPage = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what stands in this folder, so that nobody forgets to."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests; each page gets a profile of its own."""
    names = ("chromium", "chromium-browser", "google-chrome")
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if program is None:
        pytest.skip("no Chromium here: install one, or name it in CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


def settled(database_url: str, folder: Path) -> Settings:
    """Settings as in other tests, but links lead to the server that is really there."""
    # Port 0 lets the system choose, but links are made before the server is: so it is chosen here.
    with make_server("127.0.0.1", 0, lambda *_: []) as probe:
        port = probe.server_port
    return Settings(database_url=database_url, queue_url="memory:", var_dir=folder, base_url=f"http://127.0.0.1:{port}")


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """The settings of one test."""
    return settled(database_url, tmp_path)


@pytest.fixture
def site(app: Flask, settings: Settings) -> Iterator[str]:
    """The application behind a server of its own; gives its address."""
    with served(app, settings):
        yield settings.base_url


@contextmanager
def served(app: Flask, settings: Settings) -> Iterator[None]:
    """A real server for as long as the block lasts."""
    server = make_server("127.0.0.1", urlsplit(settings.base_url).port or 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Complaints:
    """What a browser says against a page: errors of scripts and policy, missing files, requests to strangers."""

    def __init__(self, site: str) -> None:
        self.site = site
        self.found: list[str] = []
        self.allowed: set[int] = set()

    def watch(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.found.append(f"script: {error}"))
        page.on("console", self._console)
        page.on("request", self._request)
        page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        # What failed to load is told by its status below, in words that name it.
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self.found.append(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.site}/", "data:", "about:", "blob:")):
            self.found.append(f"request to a stranger: {request.url}")

    def _response(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.allowed:
            self.found.append(f"{response.status}: {response.url}")


@pytest.fixture
def complaints(site: str) -> Iterator[Complaints]:
    """Fails the test when a page of it complained; a test that means to be refused adds to ``allowed``."""
    heard = Complaints(site)
    yield heard
    assert heard.found == []


@pytest.fixture
def open_page(chromium: Browser, app: Flask, site: str, complaints: Complaints) -> Iterator[OpenPage]:
    """A function that gives a page: on a ``phone``, ``dark``, without ``scripts``, signed in ``by`` an account."""
    contexts = []

    def opened(
        path: str = "/", *, phone: bool = False, dark: bool = False, scripts: bool = True, by: Account | None = None
    ) -> Page:
        context = chromium.new_context(
            base_url=site,
            viewport=PHONE if phone else DESKTOP,
            has_touch=phone,
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
            reduced_motion="reduce",
            locale="en-US",
        )
        contexts.append(context)
        context.set_default_timeout(10_000)
        if by is not None:
            context.add_cookies([{"name": "undersigned", "value": _session(app, by), "url": site}])
        page = context.new_page()
        complaints.watch(page)
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()


def _session(app: Flask, person: Account) -> str:
    """The cookie that signing in would set."""
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert serializer is not None
    return str(serializer.dumps({"_user_id": str(person.id), "_fresh": True, "epoch": person.epoch}))
