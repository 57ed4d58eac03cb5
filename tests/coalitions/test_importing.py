"""Organizations from files as people really have them."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.coalitions import queries
from app.coalitions.commands import NewOrganization, add_organization, import_organizations
from app.coalitions.models import LegalStatus, Organization, Party, PartyRole, Scope
from app.core.audit import AuditEntry
from app.core.errors import Invalid, NotAllowed, NotFound
from app.mail.models import Email
from tests import builders
from tests.builders import NOW
from tests.coalitions.builders import OPERATOR, formed

FILE = """\
organization,short_name,aliases,legal_status,scope,region,site_url,public_email,signatory_name,signatory_title,\
signatory_email,role
Fight for the Future,FFTF,"Fight For The Future; FftF",c4,national,US,https://fftf.example,press@fftf.example,\
Robin Vale,Director,robin@fftf.example,lead
"Tenants, United",TU,,501(c)(3),Local,US-WA,https://tu.example,office@tu.example,\
José Ñúñez,Organizer,jose@tu.example,partner
Faith Leaders for Justice,FLJ,,unofficial,state,US-WA,,flj@mailbox.example,\
Rev. Samuel,Convener,flj@mailbox.example,partner
"""


def test_a_file_brings_organizations_with_their_names_and_contacts(session: Session) -> None:
    coalition, lead = formed(session)

    result = import_organizations(session, coalition, FILE.encode("utf-8-sig"), by=OPERATOR, now=NOW)

    assert (result.added, result.updated, result.unchanged, result.problems) == (2, 1, 0, [])
    tenants = session.scalars(sa.select(Organization).where(Organization.name == "Tenants, United")).one()
    assert (tenants.legal_status, tenants.scope, tenants.slug) == (LegalStatus.C3, Scope.LOCAL, "tenants-united")
    party = queries.party(session, coalition.id, tenants.id)
    assert (party.contact_name, party.contact_email, party.role) == ("José Ñúñez", "jose@tu.example", PartyRole.PARTNER)
    assert party.joined_at is None
    assert lead.short_name == "FFTF"
    assert {alias.name_normal for alias in lead.aliases} == {"fight for the future", "fftf"}


def test_importing_a_file_twice_changes_nothing(session: Session) -> None:
    coalition, _ = formed(session)
    import_organizations(session, coalition, FILE, by=OPERATOR, now=NOW)
    session.expire_all()
    acts = session.scalar(sa.select(sa.func.count(AuditEntry.id)))

    result = import_organizations(session, coalition, FILE, by=OPERATOR, now=NOW)

    assert (result.added, result.updated, result.unchanged, result.problems) == (0, 0, 3, [])
    assert session.scalar(sa.select(sa.func.count(AuditEntry.id))) == acts
    assert session.scalar(sa.select(sa.func.count(Party.id))) == 3


def test_names_that_no_address_can_spell_get_numbers_over_several_files(session: Session) -> None:
    coalition, _ = formed(session)
    import_organizations(session, coalition, "organization\n住民連合\n人権会議\n", by=OPERATOR, now=NOW)

    import_organizations(session, coalition, "organization\n自由の会\n", by=OPERATOR, now=NOW)

    slugs = session.scalars(sa.select(Organization.slug).order_by(Organization.id)).all()
    assert slugs[1:] == ["organization", "organization-2", "organization-3"]


def test_a_lot_asks_and_writes_in_as_many_statements_whatever_its_length(session: Session) -> None:
    coalition, _ = formed(session)
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        said.append(statement)

    def statements(first: int, past: int) -> int:
        lines = "\n".join(f"Group {number},G{number},Circle {number}" for number in range(first, past))
        said.clear()
        import_organizations(session, coalition, f"organization,short_name,aliases\n{lines}\n", by=OPERATOR, now=NOW)
        return len(said)

    sa.event.listen(session.get_bind(), "before_cursor_execute", note)
    try:
        few, many, again = statements(0, 5), statements(5, 105), statements(5, 105)
    finally:
        sa.event.remove(session.get_bind(), "before_cursor_execute", note)

    assert again < many <= few + 3


def test_bad_lines_are_named_and_good_ones_go_in(session: Session) -> None:
    coalition, _ = formed(session)
    table = (
        "organization,legal_status,signatory_email,role,short_name\n"
        ",c3,a@a.example,partner,\n"
        "=HYPERLINK(),c3,a@a.example,partner,\n"
        "Bad Address,c3,not-an-address,partner,\n"
        "Bad Status,c5,a@a.example,boss,\n"
        "Good Group,c3,good@group.example,partner,GG\n"
        "Other Group,c3,other@group.example,partner,gg\n"
        "The Good Group (again),c3,better@group.example,partner,\n"
        "a,b,c,d,e,f\n"
    )

    result = import_organizations(session, coalition, table, by=OPERATOR, now=NOW)

    assert (result.added, result.updated) == (1, 1)
    reasons = dict(result.problems)
    assert sorted(reasons) == [2, 3, 4, 5, 7, 9]
    assert reasons[2] == "organization: Fill this in."
    assert reasons[4] == "signatory_email: Write an e-mail address like name@example.org."
    assert "legal_status: Write c3, c4, other or unofficial." in reasons[5]
    assert "role: Write lead or partner." in reasons[5]
    assert reasons[7] == "short_name: “gg” is already a name of Good Group."


def test_an_import_leaves_the_public_facts_of_an_organization_that_others_hold(session: Session) -> None:
    coalition, lead = formed(session)
    builders.member(session, lead)

    import_organizations(session, coalition, FILE, by=OPERATOR, now=NOW)

    assert lead.public_email is None
    assert queries.party(session, coalition.id, lead.id).contact_email == "robin@fftf.example"


def test_an_organization_of_another_coalition_gets_a_place_here_instead_of_a_double(session: Session) -> None:
    one, _ = formed(session)
    other, _ = formed(session, name="Other", lead="Other Lead")
    import_organizations(session, one, FILE, by=OPERATOR, now=NOW)

    result = import_organizations(session, other, FILE, by=OPERATOR, now=NOW)

    assert (result.added, result.problems) == (3, [])
    assert session.scalar(sa.select(sa.func.count(Organization.id))) == 4


@pytest.mark.parametrize("table", [b"", b"\x89PNG\x00", "organization\nJosé".encode("latin-1"), b"name,x\nA,B\n"])
def test_a_file_that_is_no_table_of_organizations_is_refused_whole(session: Session, table: bytes) -> None:
    coalition, _ = formed(session)
    with pytest.raises(Invalid):
        import_organizations(session, coalition, table, by=OPERATOR, now=NOW)


def test_only_those_who_may_invite_organizations_import(session: Session) -> None:
    coalition, _ = formed(session)
    partner = builders.organization(session, within=coalition)
    admin = builders.actor(builders.member(session, partner))
    stranger = builders.actor(builders.account(session))

    with pytest.raises(NotAllowed):
        import_organizations(session, coalition, FILE, by=admin, now=NOW)
    with pytest.raises(NotFound):
        import_organizations(session, coalition, FILE, by=stranger, now=NOW)


@pytest.mark.parametrize("name", ["The fight for the future, Inc.", "FFTF", "Fight for the Future!"])
def test_an_organization_under_any_of_its_names_is_not_made_twice(session: Session, name: str) -> None:
    coalition, _ = formed(session)
    import_organizations(session, coalition, FILE, by=OPERATOR, now=NOW)

    with pytest.raises(Invalid) as refusal:
        add_organization(session, coalition, NewOrganization(name=name), by=OPERATOR, now=NOW)

    assert "Fight for the Future" in refusal.value.problems["name"]


def test_an_admin_may_import_the_facts_of_their_own_organization_and_its_old_address_is_told(session: Session) -> None:
    coalition, lead = formed(session)
    lead.public_email = "old@fftf.example"
    queries.party(session, coalition.id, lead.id).joined_at = NOW
    by = builders.actor(builders.member(session, lead))

    import_organizations(session, coalition, FILE, by=by, now=NOW)

    assert (lead.short_name, lead.public_email) == ("FFTF", "press@fftf.example")
    letter = session.scalars(sa.select(Email)).one()
    assert (letter.template, letter.to_address) == ("coalitions/mail/address_changed", "old@fftf.example")


def test_an_import_does_not_move_an_organization_that_has_joined_out_of_its_place(session: Session) -> None:
    coalition, lead = formed(session)
    queries.party(session, coalition.id, lead.id).joined_at = NOW
    table = "organization,role,signatory_email\nFight for the Future,partner,new@fftf.example\n"

    result = import_organizations(session, coalition, table, by=OPERATOR, now=NOW)

    assert result.problems == [(2, "Fight for the Future has joined as lead and stays so.")]
    assert queries.party(session, coalition.id, lead.id).contact_email is None
