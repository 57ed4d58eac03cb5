"""The sending domain's records, asked from a real name server on loopback, and what is said of them."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from app.core import db
from app.core.db import reading, transaction
from app.mail import commands, queries
from app.mail.deliverability import Asker, Finding, Grade, Sending, check, sending, spf
from config.settings import MailTransport, Settings
from tests.builders import NOW
from tests.mail.dns_server import ZONE, NameServer, serving
from tests.mail.test_sender import OPERATOR

GOOD, WARN, BAD, UNKNOWN = Grade.GOOD, Grade.WARN, Grade.BAD, Grade.UNKNOWN


def key(bits: int = 2048, *, more: str = "") -> list[str]:
    """A DKIM record with a real key, in strings as a zone file has them."""
    public = rsa.generate_private_key(public_exponent=65537, key_size=bits).public_key()
    coded = base64.b64encode(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    text = f"v=DKIM1; k=rsa; {more}p={coded}"
    return [" ".join(f'"{text[at : at + 200]}"' for at in range(0, len(text), 200))]


@pytest.fixture(scope="module")
def strong() -> list[str]:
    return key()


@pytest.fixture
def zone(strong: list[str]) -> ZONE:
    """A domain that is set up as SendGrid asks it."""
    return {
        "fight.example": {"MX": ["10 mx.fight.example."], "TXT": ['"v=spf1 include:sendgrid.net ~all"', '"other=1"']},
        "em1.fight.example": {"CNAME": ["u1.wl1.sendgrid.net."]},
        "u1.wl1.sendgrid.net": {"TXT": ['"v=spf1 ip4:192.0.2.1 -all"']},
        "s1._domainkey.fight.example": {"CNAME": ["s1.domainkey.u1.wl1.sendgrid.net."]},
        "s1.domainkey.u1.wl1.sendgrid.net": {"TXT": strong},
        "s2._domainkey.fight.example": {"TXT": strong},
        "_dmarc.fight.example": {"TXT": ['"v=DMARC1; p=reject; rua=mailto:x@fight.example"']},
        "sendgrid.net": {"TXT": ['"v=spf1 ip4:192.0.2.0/24 include:ab.sendgrid.net ~all"']},
        "ab.sendgrid.net": {"TXT": ['"v=spf1 ip4:198.51.100.0/24 ~all"']},
    }


@pytest.fixture
def server(zone: ZONE) -> Iterator[NameServer]:
    with serving(zone) as running:
        yield running


def how(**wanted: object) -> Sending:
    given = {
        "domain": "fight.example",
        "return_path": "em1.fight.example",
        "sendgrid": True,
        "selectors": ("s1", "s2"),
    }
    return Sending(**{**given, **wanted})  # type: ignore[arg-type]


def findings(names: NameServer, **wanted: object) -> dict[str, Finding]:
    return {one.name: one for one in check(Asker(names.address), how(**wanted))}


def test_a_domain_that_is_set_up_well_is_good_in_everything(server: NameServer) -> None:
    assert {name: one.grade for name, one in findings(server).items()} == dict.fromkeys(
        ("From address", "SPF", "DKIM", "DMARC", "Alignment", "Replies"), GOOD
    )


def test_an_empty_domain_is_told_what_to_publish(server: NameServer) -> None:
    found = findings(server, domain="empty.example", return_path="empty.example")

    assert {name: one.grade for name, one in found.items()} == {
        "From address": GOOD,
        "SPF": BAD,
        "DKIM": BAD,
        "DMARC": BAD,
        "Alignment": UNKNOWN,
        "Replies": WARN,
    }
    published = {
        name: (one.publish.name, one.publish.kind, one.publish.value) for name, one in found.items() if one.publish
    }
    assert published["SPF"] == ("empty.example", "TXT", "v=spf1 include:sendgrid.net ~all")
    assert published["DKIM"][:2] == ("s1._domainkey.empty.example", "CNAME")
    assert published["DMARC"][0] == "_dmarc.empty.example"
    assert published["DMARC"][2].startswith("v=DMARC1; p=none;")
    assert published["Replies"][1] == "MX"


def test_a_free_mail_sender_is_warned_of(server: NameServer) -> None:
    found = findings(server, domain="gmail.com", return_path="gmail.com")["From address"]
    assert found.grade is BAD
    assert "domain of your own" in found.says


@pytest.mark.parametrize(
    ("records", "grade", "says"),
    [
        (['"v=spf1 ip4:192.0.2.7 ~all"'], BAD, "does not let SendGrid send"),
        (['"v=spf1 include:sendgrid.net +all"'], BAD, "lets everybody send"),
        (['"v=spf1 include:sendgrid.net"'], WARN, "everybody else"),
        (['"v=spf1 include:sendgrid.net -all"', '"v=spf1 mx ~all"'], BAD, "2 SPF records"),
        (['"v=spf1 include:gone.example include:sendgrid.net -all"'], BAD, "gone.example, which has no SPF record"),
        (['"v=spf1 includes:sendgrid.net -all"'], BAD, "no SPF term"),
        (['"v=spf1 mx include:sendgrid.net -all"'], GOOD, "3 of 10 lookups"),
        (['"v=spf1 redirect=sendgrid.net"'], GOOD, "2 of 10 lookups"),
        (['"v=spf10 include:sendgrid.net -all"'], BAD, "does not say who may send"),
    ],
)
def test_spf_is_read_as_receivers_read_it(
    server: NameServer, zone: ZONE, records: list[str], grade: Grade, says: str
) -> None:
    zone["fight.example"]["TXT"] = records
    found = findings(server, return_path="fight.example")["SPF"]
    assert (found.grade, says in found.says) == (grade, True), found.says


def test_a_missing_include_is_put_before_the_end_of_the_record_that_is_there(server: NameServer, zone: ZONE) -> None:
    zone["fight.example"]["TXT"] = ['"v=spf1 ip4:192.0.2.7 ~all"']
    publish = findings(server, return_path="fight.example")["SPF"].publish
    assert publish is not None
    assert publish.value == "v=spf1 ip4:192.0.2.7 include:sendgrid.net ~all"


def test_more_than_ten_lookups_are_counted_through_every_include(server: NameServer, zone: ZONE) -> None:
    for number in range(8):
        zone[f"n{number}.example"] = {"TXT": [f'"v=spf1 a mx include:n{number + 1}.example ~all"']}
    zone["fight.example"]["TXT"] = ['"v=spf1 include:n0.example include:sendgrid.net -all"']

    found = findings(server, return_path="fight.example")["SPF"]

    assert found.grade is BAD
    assert "servers stop after 10" in found.says


def test_a_record_that_includes_itself_ends(server: NameServer, zone: ZONE) -> None:
    zone["fight.example"]["TXT"] = ['"v=spf1 include:fight.example -all"']
    assert spf.read(Asker(server.address), "fight.example").lookups > spf.MOST_LOOKUPS
    assert len(server.asked) <= 2


def test_smtp_is_judged_without_sendgrid(server: NameServer, zone: ZONE) -> None:
    zone["fight.example"]["TXT"] = ['"v=spf1 mx -all"']
    found = findings(server, return_path="fight.example", sendgrid=False, server="mx.fight.example", selectors=())
    assert (found["SPF"].grade, found["DKIM"].grade) == (GOOD, UNKNOWN)
    assert "MAIL_DKIM_SELECTORS" in found["DKIM"].says
    del zone["fight.example"]["TXT"]
    publish = findings(server, return_path="fight.example", sendgrid=False, server="mx.fight.example")["SPF"].publish
    assert publish is not None
    assert publish.value == "v=spf1 a:mx.fight.example ~all"


@pytest.mark.parametrize(
    ("records", "says"),
    [
        (['"v=DKIM1; p="'], "revoked"),
        (['"v=DKIM1; p=bm90IGEga2V5"'], "cannot be read"),
        (['"v=DKIM1; p=***"'], "cannot be read"),
        (['"v=DKIM1; p=YQ=="', '"v=DKIM1; p=Yg=="'], "2 keys"),
    ],
)
def test_a_key_that_is_no_use_is_called_so(server: NameServer, zone: ZONE, records: list[str], says: str) -> None:
    zone["s1._domainkey.fight.example"] = zone["s2._domainkey.fight.example"] = {"TXT": records}
    found = findings(server)["DKIM"]
    assert found.grade is BAD
    assert says in found.says


def test_one_missing_or_weak_key_is_a_warning(server: NameServer, zone: ZONE) -> None:
    del zone["s1._domainkey.fight.example"]
    missing = findings(server)["DKIM"]
    zone["s1._domainkey.fight.example"] = {"TXT": key(1024)}
    weak = findings(server)["DKIM"]
    zone["s1._domainkey.fight.example"] = {"TXT": key(2048, more="t=y; ")}
    test = findings(server)["DKIM"]

    assert (missing.grade, weak.grade, test.grade) == (WARN, WARN, WARN)
    assert missing.publish is not None
    assert missing.publish.name == "s1._domainkey.fight.example"
    assert "1024 bits" in weak.says
    assert "marked as a test" in test.says


@pytest.mark.parametrize(
    ("records", "grade", "says"),
    [
        (['"v=DMARC1; p=none"'], WARN, "forged letters"),
        (['"v=DMARC1; p=quarantine"'], GOOD, "quarantine"),
        (['"v=DMARC1; rua=mailto:x@y.example"'], BAD, "no policy"),
        (['"v=DMARC1; p=none"', '"v=DMARC1; p=reject"'], BAD, "several"),
    ],
)
def test_dmarc_is_judged_by_its_policy(
    server: NameServer, zone: ZONE, records: list[str], grade: Grade, says: str
) -> None:
    zone["_dmarc.fight.example"]["TXT"] = records
    found = findings(server)["DMARC"]
    assert (found.grade, says in found.says) == (grade, True), found.says


def test_a_domain_below_another_follows_the_organizations_record(server: NameServer, zone: ZONE) -> None:
    zone["_dmarc.fight.example"]["TXT"] = ['"v=DMARC1; p=reject; sp=none"']
    found = findings(server, domain="news.fight.example", selectors=())
    assert found["DMARC"].grade is WARN
    assert found["Alignment"].says.startswith("The return path belongs to your domain, but no signature does")


@pytest.mark.parametrize(
    ("record", "return_path", "signed", "grade"),
    [
        ("p=reject", "em1.fight.example", True, GOOD),
        ("p=reject; aspf=s", "em1.fight.example", True, WARN),
        ("p=reject", "sendgrid.net", True, WARN),
        ("p=reject", "em1.fight.example", False, WARN),
        ("p=reject", "sendgrid.net", False, BAD),
    ],
)
def test_from_and_return_path_and_signature_must_belong_together(
    server: NameServer,
    zone: ZONE,
    record: str,
    return_path: str,
    signed: bool,  # noqa: FBT001
    grade: Grade,
) -> None:
    zone["_dmarc.fight.example"]["TXT"] = [f'"v=DMARC1; {record}"']
    found = findings(server, return_path=return_path, selectors=("s1",) if signed else ("none",))
    assert found["Alignment"].grade is grade, found["Alignment"].says


def test_a_domain_without_mail_server_loses_answers(server: NameServer, zone: ZONE) -> None:
    zone["fight.example"]["MX"] = ["0 ."]
    assert "takes no mail" in findings(server)["Replies"].says
    del zone["fight.example"]["MX"]
    zone["fight.example"]["A"] = ["192.0.2.9"]
    assert "only an address" in findings(server)["Replies"].says


def test_a_silent_name_server_makes_things_unknown_and_the_check_ends_in_time(server: NameServer) -> None:
    server.silent.add("*")
    started = time.monotonic()

    found = check(Asker(server.address, seconds=0.6, a_question=0.2), how())

    assert time.monotonic() - started < 2
    assert {one.grade for one in found if one.name != "From address"} == {UNKNOWN}


def test_one_question_without_answer_leaves_the_others(server: NameServer) -> None:
    server.broken.add("_dmarc.fight.example")
    found = findings(server)
    assert (found["DMARC"].grade, found["Alignment"].grade) == (UNKNOWN, UNKNOWN)
    assert (found["SPF"].grade, found["DKIM"].grade) == (GOOD, GOOD)
    assert "Nothing is known of this" in found["DMARC"].says


def test_the_settings_tell_how_letters_are_sent() -> None:
    given = {
        "mail_from": "Letters <hello@News.Fight.example>",
        "mail_transport": MailTransport.SMTP,
        "smtp_url": "smtp://u:p@mail.fight.example:587",
        "mail_dkim_selectors": "a, b",
    }
    found = sending(Settings.model_validate(given))
    assert found == Sending("news.fight.example", "news.fight.example", False, ("a", "b"), "mail.fight.example")


@pytest.fixture
def settings(database_url: str, tmp_path: Path, server: NameServer) -> Settings:
    return Settings(
        database_url=database_url,
        queue_url="memory:",
        var_dir=tmp_path,
        base_url="http://undersigned.example",
        mail_from="Letters <letters@fight.example>",
        mail_dns_server=server.address,
        mail_bounce_domain="em1.fight.example",
    )


def test_opening_the_page_asks_nobody_and_the_button_does(operator: FlaskClient, server: NameServer) -> None:
    assert "were not looked up yet" in operator.get("/operator/mail/check").text
    assert server.asked == []

    assert operator.post("/operator/mail/check").status_code == 303
    asked = len(server.asked)
    shown = operator.get("/operator/mail/check").text

    assert asked > 5
    assert len(server.asked) == asked
    assert "Will letters from fight.example arrive?" in shown
    assert "asks receivers to reject" in shown


def test_a_strangers_record_is_shown_as_text(operator: FlaskClient, zone: ZONE) -> None:
    zone["_dmarc.fight.example"]["TXT"] = ['"v=DMARC1; p=none; x=<script>alert(1)</script>"']
    operator.post("/operator/mail/check")
    shown = operator.get("/operator/mail/check").text
    assert "&lt;script&gt;alert(1)" in shown
    assert "<script>alert" not in shown


def test_the_command_line_checks_as_well_and_says_whether_to_act(app: Flask, zone: ZONE) -> None:
    run = app.test_cli_runner().invoke
    well = run(args=["mail", "check"])
    assert well.exit_code == 0, well.output
    assert "DMARC: good." in well.output
    del zone["_dmarc.fight.example"]

    told = run(args=["mail", "check"])
    machine = run(args=["mail", "check", "--json"])

    assert (told.exit_code, machine.exit_code) == (1, 1)
    assert "publish: _dmarc.fight.example TXT v=DMARC1" in told.output
    assert {one["name"]: one["grade"] for one in json.loads(machine.output)["findings"]}["DMARC"] == "bad"


def test_of_two_checks_the_later_one_stays(database: Flask) -> None:
    older = [Finding("SPF", BAD, "old")]
    newer = [Finding("SPF", GOOD, "new")]
    later = NOW.replace(hour=18)
    for found, at in ((newer, later), (older, NOW)):
        with transaction() as session:
            commands.keep_check(session, "fight.example", found, by=OPERATOR, now=at)
    with reading() as session:
        kept = queries.last_check(session, "fight.example")
    assert kept is not None
    assert (kept.checked_at, kept.found["findings"][0]["says"]) == (later, "new")


def test_the_app_starts_without_a_name_server(settings: Settings) -> None:
    assert create_app(settings.model_copy(update={"mail_dns_server": ""})) is not None
    db.dispose()
