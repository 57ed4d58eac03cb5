"""The whole check of a sending domain: what is found, judged for how this installation sends, in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from app.mail.deliverability import dkim, dmarc, spf
from app.mail.deliverability.asking import Silent
from app.mail.deliverability.finding import Finding, Grade, Record

if TYPE_CHECKING:
    from app.mail.deliverability.asking import Asker
    from app.mail.deliverability.sending import Sending

SENDGRID = "sendgrid.net"
FREE_MAIL = {
    *("gmail.com", "googlemail.com", "yahoo.com", "ymail.com", "aol.com", "outlook.com", "hotmail.com", "live.com"),
    *("msn.com", "icloud.com", "me.com", "mac.com", "proton.me", "protonmail.com", "pm.me", "gmx.com", "gmx.net"),
    *("gmx.de", "web.de", "mail.com", "mail.ru", "yandex.com", "yandex.ru", "zoho.com", "fastmail.com", "qq.com"),
    *("163.com", "t-online.de", "orange.fr", "laposte.net", "libero.it", "comcast.net", "yahoo.co.uk", "hotmail.co.uk"),
}
AUTHENTICATE = "SendGrid makes this record: Settings, Sender Authentication, Authenticate Your Domain."


def check(asker: Asker, sending: Sending) -> list[Finding]:
    """Look at everything. A name server that does not tell makes a finding unknown and never the whole check."""
    parts: tuple[tuple[str, Callable[[Asker, Sending], Finding]], ...] = (
        ("From address", _from),
        ("SPF", _spf),
        ("DKIM", _dkim),
        ("DMARC", _dmarc),
        ("Alignment", _alignment),
        ("Replies", _replies),
    )
    return [_or_unknown(name, part, asker, sending) for name, part in parts]


def _or_unknown(name: str, part: Callable[[Asker, Sending], Finding], asker: Asker, sending: Sending) -> Finding:
    try:
        return part(asker, sending)
    except Silent as silent:
        says = (
            f"The name server did not tell about {silent} in time. Nothing is known of this; check again in a minute."
        )
        return Finding(name, Grade.UNKNOWN, says)


def _from(_asker: Asker, sending: Sending) -> Finding:
    if sending.domain in FREE_MAIL:
        says = (
            f"Letters come from an address at {sending.domain}, a free-mail provider. The large providers refuse such "
            "mail when it does not come from that provider itself. Set MAIL_FROM to an address on a domain of your own."
        )
        return Finding("From address", Grade.BAD, says)
    return Finding("From address", Grade.GOOD, f"Letters come from {sending.domain}, which is no free-mail provider.")


def _spf(asker: Asker, sending: Sending) -> Finding:
    domain = sending.return_path
    target = asker.points_to(domain)
    if sending.sendgrid and (target == SENDGRID or target.endswith(f".{SENDGRID}")):
        return Finding(
            "SPF", Grade.GOOD, f"The return path {domain} leads to SendGrid, which keeps its SPF.", found=target
        )
    found = spf.read(asker, domain)
    if found.problems:
        return Finding("SPF", Grade.BAD, " ".join(found.problems), found=found.record)
    term = f"include:{SENDGRID}" if sending.sendgrid else f"a:{sending.server or domain}"
    publish = Record(domain, "TXT", spf.with_include(found.record, term))
    if not found.record:
        return Finding("SPF", Grade.BAD, f"{domain} does not say who may send for it. Publish this record.", publish)
    if found.everybody == "+":
        says = "The record ends in “all”, which lets everybody send for you. End it with ~all or -all."
        return Finding(
            "SPF", Grade.BAD, says, Record(domain, "TXT", found.record.rsplit(" ", 1)[0] + " ~all"), found.record
        )
    if sending.sendgrid and not found.takes_in(SENDGRID):
        return Finding("SPF", Grade.BAD, f"The record of {domain} does not let SendGrid send.", publish, found.record)
    if found.everybody not in {"-", "~"}:
        says = "The record does not say what to do with everybody else. End it with ~all or -all."
        return Finding(
            "SPF", Grade.WARN, says, Record(domain, "TXT", f"{_without_all(found.record)} ~all"), found.record
        )
    hint = (
        ""
        if sending.sendgrid
        else " Whether it names your mail server is for its provider to say: send a trial letter."
    )
    says = f"{domain} says who may send for it, in {found.lookups} of {spf.MOST_LOOKUPS} lookups.{hint}"
    return Finding("SPF", Grade.GOOD, says, found=found.record)


def _without_all(record: str) -> str:
    return " ".join(term for term in record.split() if not term.lower().endswith("all"))


def _dkim(asker: Asker, sending: Sending) -> Finding:
    if not sending.selectors:
        says = "No selector is known. Ask the mail server’s provider for its name and set MAIL_DKIM_SELECTORS."
        return Finding("DKIM", Grade.UNKNOWN, says)
    keys = [dkim.read(asker, sending.domain, selector) for selector in sending.selectors]
    faults = [key.fault for key in keys if key.fault]
    missing = [key.selector for key in keys if not key.there]
    usable = [key.selector for key in keys if key.there and not key.fault]
    publish = _dkim_record(sending, missing[0]) if missing else None
    absent = f"There is no key under {' and '.join(missing)} at {sending.domain}." if missing else ""
    how = (f" {AUTHENTICATE}" if sending.sendgrid else " Your mail server’s provider makes it.") if missing else ""
    told = " ".join([*(f"{fault[0].upper()}{fault[1:]}" for fault in faults), absent + how]).strip()
    if not usable:
        return Finding("DKIM", Grade.BAD, f"No letter can be proved to be yours. {told}", publish)
    if told and sending.sendgrid:
        return Finding("DKIM", Grade.WARN, f"{told} SendGrid changes between its keys, so both are needed.", publish)
    doubts = " ".join(f"{key.doubt[0].upper()}{key.doubt[1:]}" for key in keys if key.doubt)
    if doubts or faults:
        return Finding("DKIM", Grade.WARN, f"{told} {doubts}".strip())
    return Finding(
        "DKIM", Grade.GOOD, f"{' and '.join(usable)} publish a key with which letters are proved to be yours."
    )


def _dkim_record(sending: Sending, selector: str) -> Record:
    name = f"{selector}._domainkey.{sending.domain}"
    if sending.sendgrid:
        return Record(
            name, "CNAME", f"{selector}.domainkey.u0000000.wl000.sendgrid.net (your own number, from SendGrid)"
        )
    return Record(name, "TXT", "v=DKIM1; k=rsa; p=… (the public key, from your mail server)")


def _dmarc(asker: Asker, sending: Sending) -> Finding:
    found = dmarc.read(asker, sending.domain)
    name, post = f"_dmarc.{sending.domain}", f"rua=mailto:dmarc@{sending.domain}"
    start = Record(name, "TXT", f"v=DMARC1; p=none; {post}")
    if not found.record:
        says = "There is no DMARC record. Gmail, Yahoo and Microsoft want one from whoever sends much. Publish this."
        return Finding("DMARC", Grade.BAD, says, start)
    if found.several:
        return Finding("DMARC", Grade.BAD, f"{found.at} has several DMARC records, so none counts. Leave one.")
    policy = found.policy(sending.domain)
    if policy not in {"none", "quarantine", "reject"}:
        says = "The record names no policy (p=none, quarantine or reject), so it does not count."
        return Finding("DMARC", Grade.BAD, says, start, found.record)
    if policy == "none":
        says = (
            "The policy is “none”: forged letters in your name are still delivered. Receivers accept that for now. "
            "Once the reports show that your own letters pass, publish this."
        )
        return Finding("DMARC", Grade.WARN, says, Record(name, "TXT", f"v=DMARC1; p=quarantine; {post}"), found.record)
    return Finding(
        "DMARC", Grade.GOOD, f"{found.at} asks receivers to {policy} letters that are not yours.", found=found.record
    )


def _alignment(asker: Asker, sending: Sending) -> Finding:
    found = dmarc.read(asker, sending.domain)
    if not found.record or found.several:
        return Finding("Alignment", Grade.UNKNOWN, "It is judged once there is one DMARC record.")
    signed = any(
        key.there and not key.fault for key in (dkim.read(asker, sending.domain, one) for one in sending.selectors)
    )
    returned = found.aligned(sending.domain, sending.return_path, "aspf")
    if signed and returned:
        return Finding("Alignment", Grade.GOOD, f"Signature and return path both belong to {sending.domain}.")
    if signed:
        says = (
            f"The signature belongs to {sending.domain}; the return path, {sending.return_path}, does not count as it. "
            "One of the two is enough, both are better: use a return path under your own domain (MAIL_BOUNCE_DOMAIN)."
        )
        return Finding("Alignment", Grade.WARN, says)
    if returned:
        says = "The return path belongs to your domain, but no signature does: forwarded letters will fail. Mend DKIM."
        return Finding("Alignment", Grade.WARN, says)
    says = f"Neither signature nor return path belongs to {sending.domain}, so letters fail DMARC. Mend DKIM first."
    return Finding("Alignment", Grade.BAD, says)


def _replies(asker: Asker, sending: Sending) -> Finding:
    servers = [server for server in asker.exchanges(sending.domain) if server]
    if servers:
        return Finding("Replies", Grade.GOOD, f"Answers and bounces to {sending.domain} go to {servers[0]}.")
    publish = Record(sending.domain, "MX", f"10 mail.{sending.domain} (the server that takes your mail)")
    says = f"{sending.domain} takes no mail: answers to letters are lost, and some receivers distrust such senders."
    if not asker.exchanges(sending.domain) and asker.has_address(sending.domain):
        says = f"{sending.domain} names no mail server, only an address. Name one, so that answers arrive for certain."
    return Finding("Replies", Grade.WARN, says, publish)
