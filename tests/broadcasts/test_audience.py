"""Whom an update reaches: every part narrows, all together in one query, and frozen once sending began."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.broadcasts import commands, queries, rules
from app.broadcasts.models import Broadcast
from app.coalitions.models import Organization
from app.core import db
from app.core.errors import Invalid
from app.mail import outbox
from app.petitions.models import Petition, Signature, SignatureState
from app.supporters import commands as supporters
from app.supporters.models import Supporter
from app.targets import commands as targets
from app.targets.models import Target, TargetKind
from tests.broadcasts.builders import WORDS, Stage, stage
from tests.builders import NOW

LATER = NOW + timedelta(hours=1)


def somebody(
    session: Session,
    name: str,
    sender: Organization,
    *,
    email: str = "",
    postal_code: str = "",
    country: str = "US",
    language: str = "en",
    at: datetime = NOW,
) -> Supporter:
    """A person who said yes to the sender."""
    details = supporters.Details(
        email=email or f"{name.lower()}@people.example",
        given_name=name,
        postal_code=postal_code,
        country=country,
        language=language,
    )
    made = supporters.remember(session, details, now=at)
    supporters.record_consent(session, made, sender, yes=True, words="May we write?", source="test", now=at)
    return made


def update(session: Session, there: Stage, **wish: object) -> Broadcast:
    """An approved update for such an audience."""
    entry = commands.NewBroadcast.of({"subject": WORDS.subject, "body": WORDS.body, **wish})
    made = commands.compose(session, there.campaign, entry, by=there.robin, now=NOW)
    return commands.approve(session, made, made.version, by=there.dana, now=NOW)


def names(session: Session, broadcast: Broadcast, now: datetime = LATER) -> list[str]:
    """Who is in the audience, by id."""
    ids = list(session.scalars(queries.audience(broadcast, now=now)))
    assert ids == sorted(ids)
    return [session.get_one(Supporter, ident).given_name for ident in ids]


def petition(session: Session, there: Stage, slug: str) -> Petition:
    row = Petition(campaign_id=there.campaign.id, slug=slug, title=slug, text="", digest="", created_at=NOW)
    return db.add(session, row)


def signed(session: Session, under: Petition, person: Supporter, state: SignatureState) -> Signature:
    row = Signature(
        petition_id=under.id,
        supporter_id=person.id,
        given_name=person.given_name,
        family_name="",
        name_key=person.given_name.lower(),
        email=person.email,
        email_canonical=person.email_canonical,
        postal_code="",
        country="",
        state=state,
        created_at=NOW,
        validated_at=NOW if state is SignatureState.VALIDATED else None,
    )
    return db.add(session, row)


def council(session: Session, there: Stage, table: str, *, division: str = "") -> Target:
    """A body of the campaign with two members and a table of postal codes."""
    coalition_id = there.campaign.coalition_id
    body = Target(
        coalition_id=coalition_id,
        slug="council",
        name="King County Council",
        kind=TargetKind.LEGISLATIVE_BODY,
        ocd_division=division,
        created_at=NOW,
    )
    db.add(session, body)
    for number, person in ((1, "Ana"), (2, "Bea")):
        member = Target(
            coalition_id=coalition_id,
            slug=f"district-{number}",
            name=f"Council District {number}",
            kind=TargetKind.OFFICIAL,
            title="Councilmember",
            given_name=person,
            parent_id=body.id,
            created_at=NOW,
        )
        db.add(session, member)
    there.campaign.targets.append(body)
    session.flush()
    session.refresh(body)
    body_csv = f"prefix,district\n{table}".encode()
    result = targets.import_districts(session, body, body_csv, by=there.robin, now=NOW)
    assert result.problems == []
    return body


def test_without_a_wish_everybody_with_a_yes_is_reached_and_nobody_else(session: Session) -> None:
    there = stage(session)
    somebody(session, "Ana", there.lead)
    somebody(session, "Bea", there.partner)
    left = somebody(session, "Cid", there.lead)
    supporters.leave(session, left, there.lead, source="test", now=NOW)
    both = somebody(session, "Dov", there.partner)
    supporters.record_consent(session, both, there.lead, yes=True, words="w", source="test", now=NOW)

    assert names(session, update(session, there)) == ["Ana", "Dov"]


def test_signing_any_of_several_petitions_is_enough_and_only_a_confirmed_signature_counts(session: Session) -> None:
    there = stage(session)
    first, second, third = (petition(session, there, slug) for slug in ("one", "two", "three"))
    ana, bea, cid, dov = (somebody(session, name, there.lead) for name in ("Ana", "Bea", "Cid", "Dov"))
    signed(session, first, ana, SignatureState.VALIDATED)
    signed(session, second, ana, SignatureState.VALIDATED)
    signed(session, second, bea, SignatureState.VALIDATED)
    signed(session, third, cid, SignatureState.VALIDATED)
    signed(session, first, dov, SignatureState.PENDING)

    assert names(session, update(session, there, signed=[first.id, second.id])) == ["Ana", "Bea"]


def test_the_longest_known_prefix_says_in_which_district_somebody_lives(session: Session) -> None:
    there = stage(session)
    body = council(session, there, "981,1\n98105,Council District 2\nSW1,2\n")
    for name, code in (("Ana", "98101"), ("Bea", "98105-1234"), ("Cid", "97000"), ("Dov", "sw1a 1aa"), ("Eva", "")):
        somebody(session, name, there.lead, postal_code=code)

    assert names(session, update(session, there, districts=[f"{body.id}:Council District 1"])) == ["Ana"]
    assert names(session, update(session, there, districts=[f"{body.id}:Council District 2"])) == ["Bea", "Dov"]
    everywhere = [key for key, _ in queries.districts(session, there.campaign.id)]
    assert names(session, update(session, there, districts=everywhere)) == ["Ana", "Bea", "Dov"]


def test_a_body_knows_nothing_of_postal_codes_of_another_country(session: Session) -> None:
    there = stage(session)
    body = council(session, there, "981,1\n", division="ocd-division/country:us/state:wa/county:king")
    for name, country in (("Ana", "US"), ("Bea", "FR"), ("Cid", "")):
        somebody(session, name, there.lead, postal_code="98100", country=country)

    assert names(session, update(session, there, districts=[f"{body.id}:Council District 1"])) == ["Ana", "Cid"]


def test_prefixes_countries_and_languages_narrow_together(session: Session) -> None:
    there = stage(session)
    for name, code, country, language in (
        ("Ana", "98101", "US", "en"),
        ("Bea", "98004", "US", "es-MX"),
        ("Cid", "K1A 0B1", "CA", "fr"),
        ("Dov", "k1a0b1", "CA", "es"),
    ):
        somebody(session, name, there.lead, postal_code=code, country=country, language=language)

    def reached(**wish: object) -> list[str]:
        return names(session, update(session, there, **wish))

    assert reached(postal_prefixes="981, k1a") == ["Ana", "Cid", "Dov"]
    assert reached(countries="ca") == ["Cid", "Dov"]
    assert reached(languages="es") == ["Bea", "Dov"]
    assert reached(postal_prefixes="K1", languages="es, de", countries="CA,US") == ["Dov"]


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("postal_prefixes", "98101, ++", "“++” is not the beginning"),
        ("countries", "USA", "“USA” is not a country in two letters"),
        ("languages", "english language", "is not a language code"),
        ("quiet_days", "0", "Write 1 or more"),
        ("quiet_days", "soon", "Write a whole number"),
        ("districts", "7:Nowhere", "no such district"),
        ("signed", "999", "no such petition"),
        ("counted_from", "petition:999", "no such number"),
        ("counted_from", "nonsense", "Choose one of the numbers"),
    ],
)
def test_a_wish_that_means_nothing_is_refused_at_its_field(session: Session, field: str, value: str, said: str) -> None:
    there = stage(session)

    with pytest.raises(Invalid) as refused:
        update(session, there, **{field: [value] if field in {"districts", "signed"} else value})

    assert said in refused.value.problems[field]


def test_suppressed_addresses_are_left_out_and_counted_by_why(session: Session) -> None:
    there = stage(session)
    for name in ("Ana", "Bea", "Cid", "Dov"):
        somebody(session, name, there.lead)
    outbox.suppress(session, "bea@people.example", reason="bounce", now=NOW)
    outbox.suppress(session, "cid@people.example", reason="complaint", now=NOW)
    outbox.suppress(session, "dov@people.example", reason="operator", now=NOW)
    made = update(session, there)

    found = queries.reach(session, made, now=LATER)

    assert (found.yes, found.readers) == (4, 1)
    assert (found.left_out["bounced"], found.left_out["complained"], found.left_out["stopped"]) == (1, 1, 1)
    assert queries.audience_size(session, made, now=LATER) == found.readers
    assert names(session, made) == ["Ana"]


def test_everybody_is_counted_in_each_part_that_leaves_them_out(session: Session) -> None:
    there = stage(session)
    somebody(session, "Ana", there.lead, country="US", language="en")
    somebody(session, "Bea", there.lead, country="CA", language="en")
    somebody(session, "Cid", there.lead, country="CA", language="fr")
    made = update(session, there, countries="US", languages="en")

    found = queries.reach(session, made, now=LATER)

    assert (found.yes, found.readers) == (3, 1)
    assert rules.reasons(rules.audience_of(made), found.left_out) == [
        "2 people live in another country, or did not say where.",
        "One person reads another language.",
    ]


def test_counting_with_reasons_is_one_query(session: Session) -> None:
    there = stage(session)
    body = council(session, there, "981,1\n")
    paper = petition(session, there, "one")
    made = update(
        session,
        there,
        signed=[paper.id],
        districts=[f"{body.id}:Council District 1"],
        countries="US",
        quiet_days=7,
        on_behalf="yes",
    )
    _ = made.organization
    asked: list[str] = []
    session.flush()
    connection = session.connection()

    @sa.event.listens_for(connection, "before_cursor_execute")
    def count(*arguments: object) -> None:
        asked.append(str(arguments[2]))

    queries.reach(session, made, now=LATER)
    asked = [statement for statement in asked if not statement.startswith("SET LOCAL")]

    assert len(asked) == 1


def test_a_sender_without_supporters_reaches_nobody(session: Session) -> None:
    there = stage(session)

    assert queries.reach(session, update(session, there), now=LATER) == queries.Reach(
        0, 0, {"bounced": 0, "complained": 0, "stopped": 0}
    )


def test_once_sending_began_later_answers_signatures_and_people_change_nothing(session: Session) -> None:
    there = stage(session)
    paper = petition(session, there, "one")
    ana, bea = (somebody(session, name, there.lead) for name in ("Ana", "Bea"))
    signed(session, paper, ana, SignatureState.VALIDATED)
    made = commands.send(session, update(session, there, signed=[paper.id]), by=there.robin, now=LATER)
    after = LATER + timedelta(minutes=1)

    late = signed(session, paper, bea, SignatureState.VALIDATED)
    late.validated_at = after
    newcomer = somebody(session, "Cid", there.lead)
    signed(session, paper, newcomer, SignatureState.VALIDATED)
    session.flush()

    assert names(session, made, now=after) == ["Ana"]


def test_who_leaves_after_the_freeze_is_out_at_once(session: Session) -> None:
    there = stage(session)
    ana = somebody(session, "Ana", there.lead)
    somebody(session, "Bea", there.lead)
    made = commands.send(session, update(session, there), by=there.robin, now=LATER)

    supporters.leave(session, ana, there.lead, source="test", now=LATER + timedelta(minutes=1))

    assert names(session, made) == ["Bea"]


def test_one_day_is_said_as_one() -> None:
    wish = rules.Audience(quiet_days=1)

    assert rules.reasons(wish, {"quiet_days": 2}) == ["2 people got another update of this sender in the last day."]
    assert rules.reasons(wish, {"quiet_days": 0, "bounced": 1}) == [
        "One person cannot be reached: letters to their address came back."
    ]
