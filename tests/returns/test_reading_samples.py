"""Answers as the mail programs of many people write them, and what machines write that looks like one."""

from __future__ import annotations

from typing import Any

import pytest

from app.returns.rules.replies import Envelope, read
from app.returns.rules.words import new_part
from tests.returns.mails import mail

ASKED = "We ask.\nPlease."
QUOTED = "> We ask.\n> Please.\n"
WHO = "Open Faces <letters@u.example>"
# The new words, and what the program puts below them, with the quotation.
PLAIN = {
    "gmail, english": ("We stop.", f"On Thu, May 20, 2021 at 10:00 AM {WHO}\nwrote:\n\n{QUOTED}"),
    "gmail, german": ("Wir hören auf.", f"Am Do., 20. Mai 2021 um 10:00 Uhr schrieb {WHO}:\n\n{QUOTED}"),
    "gmail, french": ("Nous arrêtons.", f"Le jeu. 20 mai 2021 à 10:00, {WHO} a\nécrit\u00a0:\n\n{QUOTED}"),
    "gmail, arabic": ("سنتوقف.", f"في الخميس، 20 مايو 2021 في 10:00 ص تمت كتابة ما يلي بواسطة {WHO}:\n\n{QUOTED}"),
    "gmail, arabic numbers": ("سنتوقف.", f"في الخميس، ٢٠ مايو ٢٠٢١، ١٠:٠٠ ص {WHO} كتب:\n\n{QUOTED}"),
    "gmail, right to left": ("سنتوقف.", f"\u202bفي الخميس 20 مايو \u202a{WHO}\u202c\u200f كتب:\u202c\n\n{QUOTED}"),
    "gmail, italian": ("Basta.", f"Il giorno gio 20 mag 2021 alle ore 10:00 {WHO} ha scritto:\n\n{QUOTED}"),
    "gmail, polish": ("Stop.", f"czw., 20 maj 2021 o 10:00 {WHO} napisał(a):\n\n{QUOTED}"),
    "thunderbird": ("We stop.", f"On 5/20/21 10:00 AM, Open Faces wrote:\n{QUOTED}"),
    "outlook, english": (
        "We stop.\n\nClerk of the Council",
        f"From: {WHO}\nSent: Thursday, May 20, 2021 10:00 AM\nTo: Clerk <c@c.example>\nSubject: We ask\n\n{ASKED}",
    ),
    "outlook, a line": (
        "We stop.",
        f"________________________________\nFrom: {WHO}\nSent: May 20\nTo: Clerk\nSubject: We ask\n\n{ASKED}",
    ),
    "outlook, original message": (
        "We stop.",
        f"-----Original Message-----\nFrom: {WHO}\nSent: May 20\nTo: Clerk\nSubject: We ask\n\n{ASKED}",
    ),
    "outlook, german": (
        "Wir hören auf.\n\nMit freundlichen Grüßen\nA. Schmidt",
        f"Von: {WHO}\nGesendet: Donnerstag, 20. Mai 2021 10:00\nAn: Clerk\nBetreff: We ask\n\n{ASKED}",
    ),
    "outlook, french": (
        "Nous arrêtons.",
        f"-----Message d'origine-----\nDe : {WHO}\nEnvoyé : jeudi 20 mai\nÀ : Clerk\nObjet : We ask\n\n{ASKED}",
    ),
    "outlook, arabic": (
        "سنتوقف.",
        f"من: {WHO}\nتم الإرسال: الخميس، 20 مايو 2021 10:00 ص\nإلى: Clerk\nالموضوع: We ask\n\n{ASKED}",
    ),
    "outlook, chinese": (
        "我们停止。",
        f"发件人: {WHO}\n发送时间: 2021年5月20日\n收件人: Clerk\n主题: We ask\n\n{ASKED}",
    ),
}
APPLE = {
    "english": ("We stop.", f"> On May 20, 2021, at 10:00 AM, {WHO} wrote:\n> \n{QUOTED}"),
    "german": ("Wir hören auf.", f"> Am 20.05.2021 um 10:00 schrieb {WHO}:\n> \n{QUOTED}"),
    "french": ("Nous arrêtons.", f"> Le 20 mai 2021 à 10:00, {WHO} a écrit :\n> \n{QUOTED}"),
    "arabic": ("سنتوقف.", f"> في 20 مايو 2021، الساعة 10:00 ص، كتب/كتبت {WHO}:\n> \n{QUOTED}"),
}
HEADS = "<b>{}</b> Open Faces &lt;letters@u.example&gt;<br><b>{}</b> May 20<br><b>{}</b> Clerk<br><b>{}</b> We ask"
ENGLISH = HEADS.format("From:", "Sent:", "To:", "Subject:")
FRENCH = HEADS.format("De&nbsp;:", "Envoyé&nbsp;:", "À&nbsp;:", "Objet&nbsp;:")
PAGES = {
    "gmail": '<div dir="ltr">We stop.</div><br><div class="gmail_quote"><div class="gmail_attr">'
    "On Thu, May 20, 2021 at 10:00 AM Open Faces &lt;letters@u.example&gt; wrote:<br></div>"
    "<blockquote>We ask.<br>Please.</blockquote></div>",
    "outlook": "<div class=WordSection1><p class=MsoNormal>We stop.<o:p></o:p></p><p><o:p>&nbsp;</o:p></p><div>"
    f"<div style='border:none'><p>{ENGLISH}</p></div></div><p>We ask.</p><p>Please.</p></div>",
    "outlook on the web": '<div>We stop.</div><div id="appendonsend"></div><hr><div id="divRplyFwdMsg"><font>'
    f"{ENGLISH}</font><div>&nbsp;</div></div><div>We ask.</div><div>Please.</div>",
    "outlook, french": f"<div>We stop.</div><hr><p>{FRENCH}</p><p>We ask.<br>Please.</p>",
    "apple": '<div>We stop.</div><div><br><blockquote type="cite">On May 20, 2021, at 10:00 AM, Open Faces wrote:<br>'
    '<br></blockquote></div><blockquote type="cite"><div>We ask.<div>Please.</div></div></blockquote>',
    "yahoo": '<div>We stop.</div><div class="yahoo_quoted"><div>On Thursday, May 20, 2021, 10:00:00 AM PDT, Open Faces '
    "&lt;letters@u.example&gt; wrote: </div><div><br></div><div>We ask.</div><div>Please.</div></div>",
}


@pytest.mark.parametrize("program", PLAIN)
def test_the_new_words_stand_without_the_quotation(program: str) -> None:
    new, below = PLAIN[program]
    words, quoted, _ = new_part(f"{new}\n\n{below}")
    assert (words, quoted) == (new, ASKED)


@pytest.mark.parametrize("language", APPLE)
def test_what_an_iphone_quotes_with_its_attribution_is_no_new_word(language: str) -> None:
    new, below = APPLE[language]
    words, quoted, _ = new_part(f"{new}\n\n{below}")
    assert words == new
    assert quoted.endswith(ASKED)


@pytest.mark.parametrize("program", PAGES)
def test_an_answer_that_is_only_a_page_is_shown_without_the_quotation(program: str) -> None:
    head = b"From: clerk@c.example\r\nMessage-ID: <a@c.example>\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    found = read(head + f"<html><body>{PAGES[program]}</body></html>".encode(), Envelope())
    assert found.words == "We stop."
    assert "We ask." in found.quoted


@pytest.mark.parametrize(
    "own",
    [
        "On Monday the council wrote:\n\nWe will vote.\nSee you.",
        "My points at 10:30:\n\n1. Stop.\n2. Go.",
        "من: نحن\nWe stop.",
        "To do:\nda: noi\n\nBye.",
        "Write to me@c.example:\n> this is what I mean",
        "Il giorno gio 20 mag 2021 alle ore 10:00\nOpen Faces ha scritto:\n> sì",
        "-----",
        "a\u00a0b:",
    ],
)
def test_a_person_s_own_words_stay_as_they_were_written(own: str) -> None:
    words, quoted, _ = new_part(own)
    if quoted:
        assert "mean" in quoted or "sì" in quoted
    else:
        assert words == own
    assert "\ue001" not in words + quoted


def test_answers_between_the_quotation_keep_their_places() -> None:
    text = (
        "On Thu, May 20, 2021 at 10:00 AM Open Faces wrote:\n> Will you stop?\nYes.\n> When?\nNow at 10:30:\n> So?\nOk."
    )
    words = new_part(text)[0]
    assert [line for line in ("Yes.", "Now at 10:30:", "Ok.") if line not in words] == []


def of_parts(*parts: str) -> bytes:
    """A mail of several parts, as they stand."""
    head = 'From: clerk@c.example\r\nMessage-ID: <a@c.example>\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
    return (head + "".join(f"--b\r\n{part}\r\n" for part in parts) + "--b--\r\n").encode()


TEXT = "Content-Type: text/plain; charset=utf-8\r\n"
PICTURE = 'Content-Type: image/png\r\nContent-Disposition: inline; filename="map.png"\r\n\r\nx'


def test_words_that_go_on_after_a_picture_are_all_shown() -> None:
    found = read(of_parts(f"{TEXT}\r\nSee here:", PICTURE, f"{TEXT}\r\nWe stop."), Envelope())
    assert found.words.split() == ["See", "here:", "We", "stop."]
    assert [file.filename for file in found.files] == ["map.png"]


def test_a_text_that_came_as_a_named_part_is_a_file() -> None:
    notes = f'{TEXT}Content-Disposition: inline; filename="minutes.txt"\r\n\r\nThe minutes.'
    found = read(of_parts(f"{TEXT}\r\nWe stop.", notes), Envelope())
    assert found.words == "We stop."
    assert [(file.filename, file.body) for file in found.files] == [("minutes.txt", b"The minutes.")]


def test_a_text_part_without_words_leaves_the_page_to_speak() -> None:
    empty = f"{TEXT}Content-Transfer-Encoding: base64\r\n\r\nDQo="
    page = "Content-Type: text/html; charset=utf-8\r\n\r\n<p>We stop.</p>"
    assert read(of_parts(empty, page), Envelope()).words == "We stop."


def test_a_meeting_answer_and_a_forwarded_letter_are_kept_as_files() -> None:
    forwarded = "Content-Type: message/rfc822\r\n\r\nFrom: a@b.example\r\nSubject: Fwd\r\n\r\nlook"
    calendar = 'Content-Type: text/calendar; method=REPLY; name="meeting.ics"\r\n\r\nBEGIN:VCALENDAR'
    found = read(of_parts(f"{TEXT}\r\nSee below.", forwarded, calendar), Envelope())
    assert found.words == "See below."
    assert [file.filename for file in found.files] == ["attachment", "meeting.ics"]


ANSWERED = {"in_reply_to": "<1@u.example>"}


@pytest.mark.parametrize(
    "headers",
    [
        {"auto_submitted": "no-one-knows"},
        {"auto_submitted": "auto-notified", **ANSWERED},
        {"precedence": "bulk", "x_auto_response_suppress": "OOF", **ANSWERED},
        {"precedence": "list", "list_id": "<l.example>", **ANSWERED},
        {"subject": "Automatische Antwort: We ask", **ANSWERED},
        {"subject": "Réponse automatique : We ask", **ANSWERED},
        {"subject": "رد تلقائي: We ask", **ANSWERED},
        {"subject": "Abwesenheitsnotiz", **ANSWERED},
        {"subject": "[Ticket#1] We ask", "precedence": "bulk", **ANSWERED},
        {"x_auto_response_suppress": "All", "subject": "We got it", **ANSWERED},
        {"return_path": "<>", **ANSWERED},
    ],
)
def test_a_machine_s_answer_is_known_also_where_it_names_our_letter(headers: dict[str, Any]) -> None:
    assert read(mail(**headers), Envelope()).automatic


@pytest.mark.parametrize(
    "headers",
    [
        {"x_auto_response_suppress": "DR, RN, NRN, OOF, AutoReply", "subject": "RE: We ask", **ANSWERED},
        {"x_auto_response_suppress": "All", "subject": "AW: We ask", **ANSWERED},
        {"precedence": "bulk", "subject": "Re: We ask", **ANSWERED},
        {"list_unsubscribe": "<https://c.example/x>", "subject": "RE: We ask", **ANSWERED},
        {"subject": "رد: We ask", "x_auto_response_suppress": "OOF", **ANSWERED},
        {"auto_submitted": "no", **ANSWERED},
        {"subject": "Absence of an answer from you"},
        {"subject": "Auto repair shops and your letter"},
    ],
)
def test_a_clerk_s_answer_through_a_gateway_is_a_person_s(headers: dict[str, Any]) -> None:
    assert read(mail(**headers), Envelope()).automatic == ""
