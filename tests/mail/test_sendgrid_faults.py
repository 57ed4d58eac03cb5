"""What SendGrid's bad days mean for a letter: each made by a real server on this machine."""

from __future__ import annotations

import contextlib
import gc
import threading
import time
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from app.mail import mime, render
from app.mail.message import Priority
from app.mail.models import Email
from app.mail.outbox import CATEGORIES, RANKS
from app.mail.transports import (
    Accepted,
    AccountRefused,
    GiveUp,
    Letter,
    NotAccepted,
    OutcomeUnknown,
    TryAgain,
)
from app.mail.transports.sendgrid import SendGridTransport
from app.mail.transports.sendgrid_requests import Lane, body, body_of_many, check, together
from tests.builders import NOW
from tests.mail import contract
from tests.mail.faults import Answer, SendGridStandIn, errors, sendgrid_stand_in
from tests.mail.test_mime import letter as row

HOUSE = render.House("https://undersigned.example", "Undersigned <letters@undersigned.example>", "")


@pytest.fixture(autouse=True)
def _bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render._Bound, "house", HOUSE)


@pytest.fixture
def stand_in() -> Iterator[SendGridStandIn]:
    with sendgrid_stand_in() as (server, address):
        server.address = address  # type: ignore[attr-defined]
        yield server


def transport(stand_in: SendGridStandIn, **wanted: Any) -> SendGridTransport:
    host = stand_in.address  # type: ignore[attr-defined]
    return SendGridTransport("SG.key", host=host, **{"timeout": 1.0, **wanted})


def letter(number: int = 1, *, text: str = "", html: str = "", **wanted: Any) -> Letter:
    """A confirmation to one of many; each has a link of its own."""
    priority = wanted.pop("priority", Priority.CONFIRMATION)
    email: Email = row(**{"to": f"person{number}@people.example", "to_name": "", "priority": priority, **wanted})
    email.id = number
    words = render.Rendered(
        wanted.get("subject", "Confirm your signature"),
        text or f"Dear reader,\n\nhttps://undersigned.example/confirm/{number}\n",
        html or f'<p>Dear reader</p>\n<a href="/confirm/{number}">Confirm</a>\n',
    )
    message = mime.build(words, email, f"<{number:04d}.abc@undersigned.example>", now=NOW)
    return Letter(number, f"attempt-{number}", message, message.as_bytes(), CATEGORIES[RANKS[priority]])


LARGE = "x" * 8_000_000  # more than the buffers between two sockets hold
BAD_DAYS: list[tuple[Any, type[NotAccepted], bool]] = [
    ("reset while sending", TryAgain, False),
    ("stall while sending", TryAgain, False),
    ("lose", OutcomeUnknown, True),
    ("reset", OutcomeUnknown, True),
    ("stall", OutcomeUnknown, True),
    ("stop in the answer", OutcomeUnknown, True),
    ("no HTTP", OutcomeUnknown, True),
    ((500, errors("internal"), {}), OutcomeUnknown, False),
    ((503, {}, {}), OutcomeUnknown, False),
    ((401, errors("authorization required"), {}), AccountRefused, False),
    ((403, errors("access forbidden"), {}), AccountRefused, False),
    ((200, {}, {}), AccountRefused, False),
    ((429, errors("too many requests"), {}), TryAgain, False),
    ((400, errors("bad address person1@people.example", "personalizations.0.to.0.email"), {}), GiveUp, False),
    ((413, errors("too large"), {}), GiveUp, False),
    ((415, errors("no such type"), {}), GiveUp, False),
]


@pytest.mark.parametrize(("fault", "outcome", "left"), BAD_DAYS, ids=lambda value: str(value)[:24])
def test_each_failure_says_no_more_than_is_known(
    stand_in: SendGridStandIn,
    fault: Any,
    outcome: type[NotAccepted],
    left: bool,  # noqa: FBT001
) -> None:
    stand_in.faults = [fault]
    text = LARGE if "sending" in str(fault) else ""

    with pytest.raises(NotAccepted) as caught:
        transport(stand_in, timeout=0.5).submit(letter(text=text))

    assert type(caught.value) is outcome
    assert "@" not in caught.value.reason
    assert bool(stand_in.taken) is left
    if outcome is TryAgain:
        assert caught.value.everyone  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "fault", [(400, errors("bad", "personalizations.0.to.0.email"), {}), (413, {}, {}), (500, {}, {}), "reset"], ids=str
)
def test_a_request_that_failed_is_not_kept(stand_in: SendGridStandIn, fault: Any) -> None:
    stand_in.faults = [fault] * 3
    sender = transport(stand_in)
    gc.collect()
    others = {id(one) for one in gc.get_objects() if isinstance(one, urllib.request.Request)}
    gc.disable()
    try:
        for number in range(3):
            with contextlib.suppress(NotAccepted):
                sender.submit(letter(number + 1))
        kept = [one for one in gc.get_objects() if isinstance(one, urllib.request.Request)]
        assert [one for one in kept if id(one) not in others] == []
    finally:
        gc.enable()


def test_a_slow_answer_is_waited_for(stand_in: SendGridStandIn) -> None:
    stand_in.faults = ["slow"]
    assert transport(stand_in).submit(letter()).provider_id == "4XyZ1"


def test_the_hour_the_provider_names_is_asked_of_everyone(stand_in: SendGridStandIn) -> None:
    stand_in.faults = [(429, errors("too many"), {"X-RateLimit-Reset": str(int(time.time()) + 30)})]
    with pytest.raises(TryAgain) as caught:
        transport(stand_in).submit(letter())
    assert caught.value.asked
    assert timedelta(seconds=25) < caught.value.after <= timedelta(seconds=30)


def test_like_letters_leave_in_one_request_and_each_reads_its_own_words(stand_in: SendGridStandIn) -> None:
    letters = [letter(number) for number in range(1, 26)]

    outcomes = transport(stand_in).submit_all(letters)

    assert set(outcomes.values()) == {Accepted("4XyZ1")}
    assert len(outcomes) == 25
    assert stand_in.requests == 1
    for one, sent in zip(letters, read(stand_in), strict=True):
        assert sent["to"] == one.message["To"].addresses[0].addr_spec
        assert sent["text/plain"] == one.message.get_body(("plain",)).get_content().replace("\r\n", "\n")  # type: ignore[union-attr]
        assert sent["text/html"] == one.message.get_body(("html",)).get_content().replace("\r\n", "\n")  # type: ignore[union-attr]
        assert sent["custom_args"] == {"undersigned_email": str(one.email_id), "undersigned_attempt": one.attempt}
        assert sent["headers"]["Message-ID"] == str(one.message["Message-ID"])


def read(stand_in: SendGridStandIn) -> list[dict[str, Any]]:
    """What each recipient reads: SendGrid puts the words in the place of the tags."""
    found = []
    for request in stand_in.taken:
        for person in request["personalizations"]:
            parts = {part["type"]: part["value"] for part in request["content"]}
            for tag, words in person.get("substitutions", {}).items():
                parts = {kind: value.replace(tag, words) for kind, value in parts.items()}
            found.append({**person, **parts, "to": person["to"][0]["email"]})
    return found


def test_words_that_look_like_a_tag_are_left_as_they_are(stand_in: SendGridStandIn) -> None:
    odd = [letter(number, text=f"-name- {{{{x}}}} %1 <% y %> {number}\n") for number in (1, 2)]
    transport(stand_in).submit_all(odd)
    assert [sent["text/plain"] for sent in read(stand_in)] == [f"-name- {{{{x}}}} %1 <% y %> {n}\n" for n in (1, 2)]


def test_no_address_stands_twice_in_a_request_however_it_is_written(stand_in: SendGridStandIn) -> None:
    letters = [letter(1, to="mina@example.org"), letter(2, to="MINA@example.org"), letter(3, to="ewa@example.org")]
    assert [[one.email_id for one in group] for group in together(letters)] == [[1, 3], [2]]
    assert len(transport(stand_in).submit_all(letters)) == 3
    assert stand_in.requests == 2


def test_letters_that_are_not_alike_never_share_a_request() -> None:
    alike = [letter(1), letter(2)]
    others = [
        letter(3, from_name="Another house"),
        letter(4, reply_to="us@other.example"),
        letter(5, priority=Priority.RECEIPT),
        letter(6, text="One line more\n\n\n\n"),
    ]
    groups = together([*alike, *others])
    assert [len(group) for group in groups] == [2, 1, 1, 1, 1]


def test_letters_that_differ_by_more_than_may_be_put_into_a_request_go_alone(stand_in: SendGridStandIn) -> None:
    letters = [letter(number, text=f"{number} " + "ä" * 6_000 + "\n") for number in (1, 2)]
    assert body_of_many(letters) is None
    assert len(transport(stand_in).submit_all(letters)) == 2
    assert stand_in.requests == 2


def refuses(*bad: str, named: str | None) -> Any:
    """SendGrid refuses a whole request for one address, and may say which."""

    def answer(request: dict[str, Any]) -> Answer | None:
        for place, person in enumerate(request["personalizations"]):
            if person["to"][0]["email"] in bad:
                where = named.format(place) if named else None
                return 400, errors("Does not contain a valid address.", where), {}
        return None

    return answer


@pytest.mark.parametrize("named", ["personalizations.{}.to.0.email", None, "null"])
def test_one_bad_recipient_is_taken_out_and_the_rest_go(stand_in: SendGridStandIn, named: str | None) -> None:
    stand_in.always = refuses("person7@people.example", "person20@people.example", named=named)
    letters = [letter(number) for number in range(1, 26)]

    outcomes = transport(stand_in).submit_all(letters)

    refused = {number for number, outcome in outcomes.items() if isinstance(outcome, GiveUp)}
    assert refused == {7, 20}
    assert sorted(stand_in.addresses()) == sorted(
        f"person{number}@people.example" for number in range(1, 26) if number not in refused
    )
    assert stand_in.requests <= (3 if named and named != "null" else 25)
    assert "null" not in {outcome.reason for outcome in outcomes.values() if isinstance(outcome, GiveUp)}.pop()


def test_a_refusal_of_what_all_share_is_not_asked_again_for_each(stand_in: SendGridStandIn) -> None:
    stand_in.always = (400, errors("The from address does not match a verified sender.", "from"), {})
    outcomes = transport(stand_in).submit_all([letter(number) for number in range(1, 9)])
    assert {type(outcome) for outcome in outcomes.values()} == {GiveUp}
    assert stand_in.requests == 1


def test_after_a_lost_answer_nobody_else_is_tried(stand_in: SendGridStandIn) -> None:
    stand_in.faults = ["lose"]
    outcomes = transport(stand_in).submit_all([letter(1), letter(2, from_name="Another house")])
    assert list(outcomes) == [1]
    assert isinstance(outcomes[1], OutcomeUnknown)


def test_updates_have_a_pool_and_a_group_of_their_own() -> None:
    lane = Lane(asm_group=12, ip_pool="letters", updates_ip_pool="updates")
    update, confirmation = body(letter(priority=Priority.UPDATE), lane), body(letter(), lane)
    assert (update["ip_pool_name"], update["asm"], update["categories"]) == ("updates", {"group_id": 12}, ["update"])
    assert (confirmation["ip_pool_name"], confirmation["categories"]) == ("letters", ["confirmation"])
    assert "asm" not in confirmation
    assert body(letter(priority=Priority.UPDATE), Lane(ip_pool="one"))["ip_pool_name"] == "one"
    assert contract.problems(update) == contract.problems(confirmation) == []


def broken(**changes: Any) -> dict[str, Any]:
    words = [{"type": "text/plain", "value": "Dear reader"}]
    start = {"subject": "Hello", "content": words, "personalizations": [{"to": [{"email": "p@x.example"}]}]}
    return {**start, **changes}


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (broken(subject=" "), "no subject"),
        (broken(content=[]), "no subject or no words"),
        (broken(headers={"Reply-To": "x"}), "header"),
        (broken(personalizations=[{"to": [{"email": f"p{n}@x.example"}]} for n in range(1001)]), "1,000"),
        (broken(personalizations=[{"to": [{"email": "A@x.example"}]}, {"to": [{"email": "a@x.example"}]}]), "twice"),
        (broken(personalizations=[{"to": [], "custom_args": {"a": "x" * 10_000}}]), "10,000"),
    ],
    ids=["subject", "words", "header", "many", "twice", "arguments"],
)
def test_what_sendgrid_would_refuse_is_not_sent(request_: dict[str, Any], words: str) -> None:
    with pytest.raises(GiveUp, match=words):
        check(request_)


def test_a_redirection_is_not_followed_with_the_key(stand_in: SendGridStandIn) -> None:
    asked: list[str] = []

    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers.get("Authorization", ""))
            self.send_response(202)
            self.end_headers()

    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as other:
        thread = threading.Thread(target=other.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        stand_in.faults = [(302, {}, {"Location": f"http://127.0.0.1:{other.server_address[1]}/v3/mail/send"})]
        with pytest.raises(AccountRefused):
            transport(stand_in).submit(letter())
        other.shutdown()
        thread.join()
    assert asked == []
