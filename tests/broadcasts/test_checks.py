"""What is looked at before an update is approved, each check with a bad example and a good one."""

from __future__ import annotations

import pytest

from app.broadcasts import rules
from app.broadcasts.rules import Level, Surroundings

SUBJECT = "The council votes on Tuesday"
BODY = (
    "Hello {given_name|neighbor},\n\nthe council votes on Tuesday at ten. More than a thousand of you asked for it, "
    "and sixty groups signed the letter. [Read the letter](https://undersigned.example/letters/faces) and come along."
)
HERE = Surroundings(own_host="undersigned.example")


def found(subject: str = SUBJECT, body: str = BODY, around: Surroundings = HERE) -> dict[str, Level]:
    return {one.sentence: one.level for one in rules.findings(subject, body, around)}


def test_a_good_update_has_no_findings() -> None:
    assert found() == {}


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("The county council votes on the ban of face recognition on Tuesday at ten", "characters; phones show"),
        ("x" * 121, "Shorten it to 60"),
        ("THE COUNCIL VOTES", "capital letters"),
        ("It happened!!", "marks in a row"),
        ("See example.org now", "holds a web address"),
        ("{given_name}, the vote is near", "called “friend”"),
        ("{official} answers", "Not every reader's official"),
    ],
)
def test_a_subject_is_looked_at(subject: str, said: str) -> None:
    assert any(said in sentence for sentence in found(subject=subject))


@pytest.mark.parametrize(
    ("more", "said", "level"),
    [
        ("[www.king.example](https://evil.example/)", "lead to evil.example", Level.ERROR),
        ("[https://king.example/vote](https://evil.example/vote)", "lead to evil.example", Level.ERROR),
        ("[**king**.example](https://evil.example)", "lead to evil.example", Level.ERROR),
        ("[read](https://bit.ly/3xyz)", "hides where it leads", Level.ERROR),
        ("[read](http://king.example/)", "not encrypted", Level.WARNING),
        ("- [read](http://king.example/)", "not encrypted", Level.WARNING),
        ("[the letter](/letters/faces)", "The words “the letter” lead nowhere", Level.ERROR),
        ("[the council](www.king.example)", "The words “the council” lead nowhere", Level.ERROR),
        ("![a cat](https://king.example/cat.png)", "Images are not sent", Level.ERROR),
        ("The letter is attached.", "speak of an attachment", Level.WARNING),
        ("COME ALONG WITH THEM THIS VERY TUESDAY MORNING WITH YOUR NEIGHBORS", "capital letters", Level.WARNING),
        ("{given_name|a}{count}", "no words between", Level.WARNING),
        ("{official} knows.", "Not every reader's official", Level.ERROR),
    ],
)
def test_words_and_links_are_looked_at(more: str, said: str, level: Level) -> None:
    sentences = found(body=f"{BODY}\n\n{more}")

    assert [sentences[one] for one in sentences if said in one] == [level]


def test_a_link_may_be_named_after_where_it_leads() -> None:
    assert found(body=f"{BODY} [www.king.example](https://king.example/vote)") == {}


def test_many_links_are_too_many() -> None:
    links = " ".join(f"[number {one}](https://king.example/{one})" for one in range(14))

    assert any("There are 15 links" in one for one in found(body=f"{BODY} {links}"))


def test_links_without_words_are_no_update() -> None:
    assert any("no words beside links" in one for one in found(body="[here](https://king.example) {count}"))
    assert any("only 2 words" in one for one in found(body="Hello there"))


def test_a_missing_page_of_ours_is_an_error_and_others_are_not_asked_for() -> None:
    around = Surroundings(own_host="undersigned.example", missing=frozenset({"/letters/faces"}))

    assert rules.own_paths(f"{BODY} [x](https://king.example/y)", "undersigned.example") == ["/letters/faces"]
    assert [level for one, level in found(around=around).items() if "/letters/faces" in one] == [Level.ERROR]


def test_a_letter_that_would_be_cut_off_is_an_error() -> None:
    assert any("above 100 kB" in one for one in found(around=Surroundings(size=104_000)))


def test_officials_need_a_table_of_postal_codes() -> None:
    body = f"{BODY} {{official|your council member}} decides."

    assert any("table of postal codes" in one for one in found(body=body, around=Surroundings(has_districts=False)))
    assert found(body=body) == {}


def test_errors_come_first() -> None:
    findings = rules.findings("THE COUNCIL VOTES", "Hello [a](https://bit.ly/x)", HERE)

    assert [one.level for one in findings] == sorted((one.level for one in findings), key=lambda one: one.value)
    assert rules.errors(findings)
