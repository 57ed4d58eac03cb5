"""A letter's bytes, read back by a parser that knows nothing of how they were made."""

from __future__ import annotations

import re
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import compat32, default
from email.utils import parseaddr
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.core import tokens
from app.core.text import plain
from app.mail import mime, outbox, render
from app.mail.message import Priority
from app.mail.models import Email, EmailAttachment
from app.mail.render import Unwritable
from tests.builders import NOW
from tests.mail.builders import message

NASTY = "Mina\r\nBcc: everybody@example.org, “Ltd.”; <x@y.example>\x00"


@pytest.fixture(autouse=True)
def _bound(monkeypatch: pytest.MonkeyPatch) -> None:
    house = render.House("https://undersigned.example", "Undersigned <letters@mail.undersigned.example>", "")
    monkeypatch.setattr(render._Bound, "house", house)
    monkeypatch.setattr(tokens._Key, "secret", "a secret of this test")


def letter(*files: EmailAttachment, **wanted: Any) -> Email:
    """A row as the outbox writes it."""
    words = message(**wanted)
    return Email(
        id=42,
        rank=outbox.RANKS[words.priority],
        template=words.template,
        context=words.context,
        to_address=words.to,
        to_name=words.to_name,
        from_name=words.from_name,
        reply_to=words.reply_to,
        unsubscribe_path=words.unsubscribe_path,
        language=words.language,
        attachments=list(files),
    )


def parsed(*files: EmailAttachment, words: render.Rendered | None = None, **wanted: Any) -> EmailMessage:
    """The letter as its reader's program sees it."""
    row = letter(*files, **wanted)
    built = mime.build(words or render.render(row), row, mime.new_message_id(row), now=NOW)
    found = BytesParser(policy=default).parsebytes(built.as_bytes())
    assert isinstance(found, EmailMessage)
    assert found.defects == []
    return found


def test_the_platform_writes_in_the_organizations_name_and_the_answer_goes_to_the_organization() -> None:
    found = parsed(from_name="Fight for the Future", reply_to="hello@fftf.example")
    assert str(found["From"]) == "Fight for the Future <letters@mail.undersigned.example>"
    assert found["Reply-To"].addresses[0].addr_spec == "hello@fftf.example"
    assert found["Message-ID"].startswith("<0000000042.")
    assert found["Message-ID"].endswith("@mail.undersigned.example>")
    assert found["Date"].datetime == NOW


def test_text_stands_before_html_and_attachments_come_last() -> None:
    pdf = EmailAttachment(filename="../letter.pdf", mimetype="application/pdf", body=b"%PDF\x00\xff")
    found = parsed(pdf)
    kinds = [part.get_content_type() for part in found.walk() if not part.is_multipart()]
    assert kinds == ["text/plain", "text/html", "application/pdf"]
    file = next(found.iter_attachments())
    assert (file.get_filename(), file.get_payload(decode=True)) == ("letter.pdf", b"%PDF\x00\xff")


@pytest.mark.parametrize("field", ["to_name", "from_name"])
def test_a_name_cannot_write_headers(field: str) -> None:
    names: dict[str, Any] = {field: NASTY}
    found = parsed(**names)
    assert found["Bcc"] is None
    assert len(found["To"].addresses) == len(found["From"].addresses) == 1
    assert found["To"].addresses[0].addr_spec == "mina@example.org"
    assert found["From"].addresses[0].addr_spec == "letters@mail.undersigned.example"


def test_a_subject_and_a_file_name_cannot_write_headers() -> None:
    nasty = EmailAttachment(
        filename='a"\r\nBcc: x@y.example/..\\b', mimetype="text/html\r\nBcc: x@y.example", body=b"x"
    )
    found = parsed(nasty, words=render.Rendered(NASTY, "Words.\n", ""))
    assert found["Bcc"] is None
    assert all(part["Bcc"] is None for part in found.walk())
    assert next(found.iter_attachments()).get_content_type() == "application/octet-stream"


INJECTED = "=?utf-8?q?=0D=0AReply-To:_a=40evil.example=0D=0A=0D=0AYour_account_is_closed.?="
WORDS_OF_ANYBODY = st.lists(
    st.one_of(
        st.sampled_from(
            [
                INJECTED,
                "=?utf-8?b?DQpCY2M6IHhAeS5leGFtcGxl?=",
                "=?",
                "?=",
                '"',
                ",",
                "<x@y.example>",
                "名前",
                "é",
                "\\",
                ":",
            ]
        ),
        st.text(max_size=30),
        st.text("ab =?_-", max_size=120),
    ),
    min_size=1,
    max_size=6,
).map(" ".join)
HEADERS = {"From", "To", "Reply-To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"}


@given(WORDS_OF_ANYBODY, WORDS_OF_ANYBODY, WORDS_OF_ANYBODY)
@example(f"Ewa {INJECTED}", f"{INJECTED} group", f"Sign: {INJECTED} {'long ' * 20}")
def test_words_of_anybody_write_no_header_and_no_body(to_name: str, from_name: str, subject: str) -> None:
    row = letter(to_name=to_name, from_name=from_name, reply_to="hello@fftf.example")
    words = render.Rendered(f"A letter: {subject}", "Words.\n", "")
    built = mime.build(words, row, mime.new_message_id(row), now=NOW)

    # What stands on the wire, taken apart by nothing but its lines; then what a reader's program makes of it.
    head, _, body = built.as_bytes().partition(b"\r\n\r\n")
    names = [line.split(b":")[0].decode() for line in re.sub(rb"\r\n[ \t]+", b" ", head).split(b"\r\n")]
    assert set(names) <= HEADERS | {"Content-Transfer-Encoding"}
    assert len(names) == len(set(names))
    assert body == b"Words.\r\n"
    found = BytesParser(policy=compat32).parsebytes(built.as_bytes())
    shown = str(make_header(decode_header(str(found["Subject"]))))
    assert " ".join(shown.split()) == " ".join(plain(words.subject, render.SUBJECT_LIMIT).split())
    assert built["To"].addresses[0].display_name == plain(to_name, 200)
    assert parseaddr(str(found["To"]).replace("\r\n", ""))[1] == "mina@example.org"
    assert parseaddr(str(found["Reply-To"]).replace("\r\n", ""))[1] == "hello@fftf.example"


@pytest.mark.parametrize("field", ["to", "reply_to"])
def test_an_address_cannot_write_headers(field: str) -> None:
    addresses: dict[str, Any] = {field: "x@example.org\r\nBcc: all@example.org"}
    with pytest.raises(Unwritable):
        parsed(**addresses)


def test_an_international_domain_is_coded_and_an_international_mailbox_refused() -> None:
    assert parsed(to="mina@bürger.example.org")["To"].addresses[0].addr_spec == "mina@xn--brger-kva.example.org"
    with pytest.raises(Unwritable, match="ASCII"):
        parsed(to="mína@example.org")


def test_names_and_words_of_every_script_arrive() -> None:
    words = render.Rendered("Sørensen, 名前 und ünlü " * 8, "Dear 名前,\n.\n" + "long " * 400 + "\n", "<p>名前</p>")
    found = parsed(words=words, to_name="Ingrid Sørensen 名前")
    assert str(found["Subject"]) == words.subject.strip()
    assert found["To"].addresses[0].display_name == "Ingrid Sørensen 名前"
    body = found.get_body(("plain",))
    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == words.text


def test_a_file_name_of_any_script_arrives() -> None:
    found = parsed(EmailAttachment(filename="Bürgerbrief 名前.pdf", mimetype="application/pdf", body=b"x"))
    assert next(found.iter_attachments()).get_filename() == "Bürgerbrief 名前.pdf"


def test_only_an_update_has_one_click_headers_and_they_are_not_folded() -> None:
    path = "/unsubscribe/" + "t" * 300
    row = letter(unsubscribe_path=path, priority=Priority.UPDATE)
    raw = mime.build(render.render(row), row, "<1@x.example>", now=NOW).as_bytes()
    assert f"\r\nList-Unsubscribe: <https://undersigned.example{path}>\r\n".encode() in raw
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw
    assert b"List-Unsubscribe" not in parsed().as_bytes()


@pytest.mark.parametrize(
    ("priority", "automatic"),
    [
        (Priority.CONFIRMATION, "auto-generated"),
        (Priority.RECEIPT, "auto-generated"),
        (Priority.TARGET, None),
        (Priority.UPDATE, None),
    ],
)
def test_confirmations_and_receipts_ask_for_no_automatic_answer(priority: Priority, automatic: str | None) -> None:
    assert parsed(priority=priority)["Auto-Submitted"] == automatic


def test_every_line_of_a_letter_is_ascii_and_short_enough_for_smtp() -> None:
    row = letter(to_name="名" * 150)
    words = render.Rendered("ü" * 250, "名" * 5000, "<p>" + "ü" * 20_000 + "</p>")
    raw = mime.build(words, row, mime.new_message_id(row), now=NOW).as_bytes()
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998


@pytest.mark.parametrize("number", [1, 42, 2**59])
def test_a_bounce_address_names_its_letter_and_survives_a_change_of_case(number: int) -> None:
    address = mime.verp_address(number)
    assert address.startswith(f"bounce+{number}.")
    assert address.endswith("@mail.undersigned.example")
    assert len(address.partition("@")[0]) <= 64
    assert [mime.read_verp(form) for form in (address, address.upper(), f"<{address}>")] == [number] * 3


@pytest.mark.parametrize(
    "address",
    [
        "",
        "letters@mail.undersigned.example",
        "bounce+42@mail.undersigned.example",
        "bounce+42.0123456789abcdef@mail.undersigned.example",
        "bounce+٤٢.0123456789abcdef@mail.undersigned.example",
        f"bounce+{'9' * 5000}.0123456789abcdef@mail.undersigned.example",
    ],
)
def test_a_bounce_address_that_was_made_up_names_nothing(address: str) -> None:
    assert mime.read_verp(address) is None


def test_a_readers_bounce_address_names_no_single_letter_of_that_number() -> None:
    address = mime.verp_address(42, reader=True)
    assert (mime.read_reader_verp(address.upper()), mime.read_verp(address)) == (42, None)
    assert mime.read_reader_verp(mime.verp_address(42)) is None
    assert mime.read_verp(address.replace("+r42", "+42")) is None


def test_a_bounce_address_is_bound_to_its_letter_and_its_host() -> None:
    signature = mime.verp_address(42).partition(".")[2]
    assert mime.read_verp(f"bounce+43.{signature}") is None
    assert mime.read_verp(mime.verp_address(42).replace("mail.", "evil.")) is None


def test_words_cannot_part_a_letter_anew() -> None:
    forged = "\n".join(f"--{line}\nContent-Type: text/html\n\n<p>forged</p>" for line in mime.BOUNDARIES)
    words = render.Rendered("Hello", f"Dear reader,\n{forged}\n--{mime.BOUNDARIES[0]}--\n", "<p>Dear reader</p>\n")
    pdf = EmailAttachment(filename="letter.pdf", mimetype="application/pdf", body=b"%PDF")
    found = parsed(pdf, words=words)
    kinds = [part.get_content_type() for part in found.walk() if not part.is_multipart()]
    assert kinds == ["text/plain", "text/html", "application/pdf"]
    html = found.get_body(("html",))
    assert html is not None
    assert "forged" not in html.get_content()


def test_an_address_that_needs_quoting_arrives_as_it_was_given() -> None:
    for address in ("o'hara+news@example.org", '"odd name"@example.org', "a.b-c_d@sub.example.org"):
        assert parsed(to=address)["To"].addresses[0].addr_spec == address
