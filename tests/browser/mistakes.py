"""One mistake in each form worth one: what to leave empty, what to type, and how the page must come back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.scenes import Stage
    from tests.browser.states import States


SIGNER = {"given_name": "Ewa", "family_name": "García Márquez", "postal_code": "98101", "comments": "My street."}


@dataclass(frozen=True)
class Mistake:
    """A form at ``path`` in which ``wrong`` is typed and refused, and ``kept`` is typed and must still be there."""

    path: str
    wrong: dict[str, str]
    kept: dict[str, str] = field(default_factory=dict)
    signed_in: bool = True

    def make(self, page: Page) -> None:
        """Type it all and send the form, as with the Enter key."""
        page.goto(self.path)
        for name, words in (self.wrong | self.kept).items():
            page.locator(f"form.form [name={name}]").fill(words)
        first = next(iter(self.wrong))
        sender = page.locator(f"form.form:has([name={first}])").locator("button[type=submit]").first
        with page.expect_response(lambda answer: answer.request.method == "POST") as answered:
            sender.evaluate("button => button.click()")  # the form's own button is hidden where another stands first
        assert answered.value.status == 422, (self.path, answered.value.status)
        page.wait_for_selector("[data-error-summary]")

    def check(self, page: Page) -> None:
        """The summary has the focus and leads to each field; the title says it; what was typed stands there."""
        assert page.title().startswith("Error: "), self.path
        assert page.evaluate("document.activeElement.hasAttribute('data-error-summary')"), self.path
        links = page.locator("[data-error-summary] a")
        leads = {str(link.get_attribute("href")) for link in links.all()}
        assert leads >= {f"#f-{name}" for name in self.wrong}, (self.path, links.all_inner_texts())
        for name in self.wrong:
            box = page.locator(f"form.form [name={name}]").first
            assert box.get_attribute("aria-invalid") == "true", (self.path, name)
            assert box.get_attribute("aria-describedby"), (self.path, name)
        wrong = next(iter(self.wrong))
        page.locator(f"[data-error-summary] a[href='#f-{wrong}']").click()
        assert page.evaluate("document.activeElement.name") == wrong, self.path
        for name, words in (self.wrong | self.kept).items():
            box = page.locator(f"form.form [name={name}]").first
            if box.get_attribute("type") != "password":
                assert box.input_value() == words, (self.path, name)


def all_of(played: Stage, more: States) -> list[Mistake]:
    """The forms, each with its mistake."""
    base, lead = more.base, "/organizations/fight-for-the-future"
    edit = next(path for path in played.workroom if path.endswith("/edit") and "/campaigns/" in path)
    campaign = edit.removesuffix("/edit")
    petition = next(path for path in played.public if path.startswith("/petitions/"))
    return [
        Mistake(petition, {"email": "nobody"}, SIGNER, signed_in=False),
        Mistake("/sign-in", {"email": "nobody"}, {"password": "four unrelated words"}, signed_in=False),
        Mistake("/password/forgotten", {"email": "nobody"}, signed_in=False),
        Mistake("/account", {"name": ""}),
        Mistake("/work/new", {"name": ""}, {"purpose": "Open records."}),
        Mistake(f"{lead}/edit", {"name": "", "site_url": "nowhere"}, {"region": "US-WA"}),
        Mistake(lead, {"email": "nobody"}, {"name": "Ann"}),
        Mistake(f"{base}/organizations/new", {"name": "", "contact_email": "nobody"}, {"short_name": "NPA"}),
        Mistake(f"{base}/targets/new", {"name": "", "email": "nobody"}),
        Mistake(f"{base}/campaigns/new", {"title": ""}, {"demand": "Stop."}),
        Mistake(f"{campaign}/commitments/new", {"headline": ""}, {"source": "A paper, 19 May 2021"}),
        Mistake(f"{campaign}/statements/new", {"title": ""}, {"text": "We ask."}),
        Mistake(f"{campaign}/petitions/new", {"title": ""}, {"text": "We ask."}),
        Mistake(f"{campaign}/updates/new", {"subject": ""}, {"body": "Hello."}),
        Mistake(f"{more.drafting}/comment", {"body": ""}),
        Mistake(f"{more.drafting}/suggest", {"passage": "not in the text"}, {"replacement": "these words"}),
    ]
