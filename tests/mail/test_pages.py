"""The operator's outbox, the reader of written letters, and the command line."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.accounts.models import Account
from app.core.db import reading, transaction
from app.mail import jobs, queries
from app.mail.message import Attachment
from app.mail.models import EmailState
from app.mail.transports import GiveUp
from config.settings import MailTransport, Settings
from tests.builders import account
from tests.mail.builders import Scripted, email, queued

SignIn = Callable[[Account], FlaskClient]


def written(tmp_path: Path, **wanted: object) -> str:
    """A letter that the development transport wrote; returns its file's name."""
    queued(**wanted)  # type: ignore[arg-type]
    assert jobs.send() == 1
    return next((tmp_path / "mail").glob("*.eml")).name


def failed(reason: str = "no such mailbox") -> int:
    """A letter that a mail server refused for good."""
    ident = queued()
    jobs.use(Scripted(lambda _letter: GiveUp(reason)))
    jobs.send()
    return ident


def test_a_written_letter_is_listed_and_read_with_links_to_follow(client: FlaskClient, tmp_path: Path) -> None:
    name = written(tmp_path)

    listed = client.get("/dev/mail")
    shown = client.get(f"/dev/mail/{name}")

    assert f'href="/dev/mail/{name}"' in listed.text
    assert "A trial letter from Undersigned" in listed.text
    assert 'href="http://undersigned.example/campaigns/end-it"' in shown.text
    assert "Auto-Submitted" in shown.text


def test_letters_are_found_by_recipient(client: FlaskClient, tmp_path: Path) -> None:
    name = written(tmp_path)
    assert name in client.get("/dev/mail?q=MINA@").text
    assert name not in client.get("/dev/mail?q=somebody-else").text


def test_the_html_of_a_letter_runs_nothing_and_loads_nothing(client: FlaskClient, tmp_path: Path) -> None:
    name = written(tmp_path)

    shown = client.get(f"/dev/mail/{name}/html")

    policy = shown.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "script-src" not in policy
    assert "unsafe-inline" not in client.get(f"/dev/mail/{name}").headers["Content-Security-Policy"]


def test_a_file_of_a_letter_can_be_kept(client: FlaskClient, tmp_path: Path) -> None:
    name = written(tmp_path, attachments=(Attachment("the letter.pdf", "application/pdf", b"%PDF\x00"),))

    file = client.get(f"/dev/mail/{name}/files/1")

    assert file.data == b"%PDF\x00"
    assert "the letter.pdf" in file.headers["Content-Disposition"]
    assert client.get(f"/dev/mail/{name}/files/2").status_code == 404
    assert client.get(f"/dev/mail/{name}/files/0").status_code == 404


@pytest.mark.parametrize(
    "name",
    ["..%2f..%2fetc%2fpasswd", "%2e%2e%2fsecret.eml", "..%5csecret.eml", ".hidden.eml", "nothing.eml", "secret.eml%00"],
)
def test_no_file_outside_the_folder_is_read(client: FlaskClient, tmp_path: Path, name: str) -> None:
    written(tmp_path)
    (tmp_path / "secret.eml").write_text("Subject: secret\n\nsecret")
    (tmp_path / "mail" / ".hidden.eml").write_text("Subject: secret\n\nsecret")

    for tail in ("", "/html", "/files/1"):
        answer = client.get(f"/dev/mail/{name}{tail}")
        assert answer.status_code == 404
        assert "secret</" not in answer.text


def test_written_letters_are_shown_only_while_developing(app: Flask, client: FlaskClient, tmp_path: Path) -> None:
    name = written(tmp_path)
    app.config["SHOW_DEV_MAIL"] = False
    for path in ("/dev/mail", f"/dev/mail/{name}", f"/dev/mail/{name}/html", f"/dev/mail/{name}/files/1"):
        assert client.get(path).status_code == 404


def test_written_letters_are_shown_only_to_a_browser_at_the_machine(app: Flask, tmp_path: Path) -> None:
    path = f"/dev/mail/{written(tmp_path)}"

    def status(*, address: str = "127.0.0.1", host: str = "127.0.0.1:8000", speaks: str = "1.1", **headers: str) -> int:
        environ = {"REMOTE_ADDR": address, "SERVER_PROTOCOL": f"HTTP/{speaks}"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return app.test_client().get(path, environ_overrides=environ, headers={"Host": host, **named}).status_code

    assert status() == 200
    assert status(address="::1", host="[::1]:8000") == 200
    assert status(host="localhost:8000") == 200
    assert status(address="192.0.2.7") == 404
    assert status(address="") == 404
    for host in ("undersigned.example", "127.0.0.1.evil.example", "localhost.evil.example", "192.0.2.1:8000"):
        assert status(host=host) == 404
    for forwarded in ("X_Forwarded_For", "Forwarded", "Via", "X_Real_Ip", "Cf_Connecting_Ip"):
        assert status(**{forwarded: "127.0.0.1"}) == 404
    assert status(speaks="1.0") == status(speaks="1") == 404


def test_an_installation_behind_proxies_shows_no_written_letters(app: Flask, tmp_path: Path) -> None:
    path = f"/dev/mail/{written(tmp_path)}"
    app.config["SETTINGS"] = app.config["SETTINGS"].model_copy(update={"trusted_proxies": 1})
    assert app.test_client().get(path).status_code == 404


def test_the_outbox_is_for_operators_only(database: Flask, signed_in: SignIn) -> None:
    with transaction() as session:
        person = account(session)
    browser = signed_in(person)
    ident = failed()
    assert browser.get("/operator/mail").status_code == 404
    for path in ("hold", "resume", f"{ident}/retry"):
        assert browser.post(f"/operator/mail/{path}").status_code == 404
    assert email(ident).state is EmailState.FAILED


def test_an_operator_sees_what_failed_and_tries_it_again(operator: FlaskClient) -> None:
    ident = failed("The mail server said 550 no such user")

    shown = operator.get("/operator/mail")
    assert "mina@example.org" in shown.text
    assert "550 no such user" in shown.text

    assert operator.post(f"/operator/mail/{ident}/retry").status_code == 303
    assert (email(ident).state, email(ident).attempts) == (EmailState.QUEUED, 0)
    assert operator.post(f"/operator/mail/{ident}/retry").status_code == 409


def test_an_operator_holds_letters_back_and_lets_them_leave(operator: FlaskClient) -> None:
    ident = queued()
    operator.post("/operator/mail/hold", data={"reason": "A typo in the letter"})
    assert jobs.send() == 0
    shown = operator.get("/operator/mail").text
    assert re.search(r"held back since.*by Robin Vale \(dev\)\. A typo in the letter", shown, re.DOTALL)

    operator.post("/operator/mail/resume")

    assert jobs.send() == 1
    assert email(ident).state is EmailState.ACCEPTED


def test_the_command_line_tells_holds_lets_go_and_tries_again(app: Flask) -> None:
    ident = failed()
    jobs.bind(app.config["SETTINGS"])
    run = app.test_cli_runner().invoke

    assert re.search(r"failed\s+1\b", run(args=["mail", "status"]).output)
    assert run(args=["mail", "pause"]).output == "Letters are held back.\n"
    assert "Held back since" in run(args=["mail", "status"]).output
    assert run(args=["mail", "resume"]).output == "Letters leave again.\n"
    assert run(args=["mail", "retry", str(ident)]).output == "1 will be tried again.\n"
    assert run(args=["mail", "retry", str(ident)]).exit_code == 1
    assert run(args=["mail", "retry", "--all"]).output == "0 will be tried again.\n"


def test_a_trial_letter_is_queued_from_the_command_line_and_a_non_address_refused(app: Flask) -> None:
    run = app.test_cli_runner().invoke
    assert run(args=["mail", "trial", "robin@fftf.example", "--name", "Robin"]).exit_code == 0
    refused = run(args=["mail", "trial", "robin at fftf"])
    assert refused.exit_code == 1
    assert "name@example.org" in refused.output
    with reading() as session:
        assert queries.counts_by_state(session)[EmailState.QUEUED] == 1


@pytest.mark.parametrize(
    ("chosen", "kind"),
    [
        ({"mail_transport": MailTransport.DEV}, "dev"),
        ({"mail_transport": MailTransport.SMTP, "smtp_url": "smtp://mail.example.org"}, "smtp"),
        ({"mail_transport": MailTransport.SENDGRID, "sendgrid_api_key": "SG.x"}, "sendgrid"),
    ],
)
def test_the_settings_choose_the_way_out(chosen: dict[str, object], kind: str) -> None:
    jobs.bind(Settings.model_validate(chosen))
    sender = jobs._Bound.sender
    assert sender is not None
    assert sender.transport.name == kind
