"""How the house says no: four refusals with sentences for people, translated once by ``app.web.errors``."""

from __future__ import annotations


class Refusal(Exception):
    """An act that was refused. ``sentence`` tells the person what happened and what to do."""

    status = 400

    def __init__(self, sentence: str = "This cannot be done.") -> None:
        """Keep the sentence."""
        super().__init__(sentence)
        self.sentence = sentence


class NotFound(Refusal):
    """There is no such thing, or none that this person may know of."""

    status = 404

    def __init__(self, sentence: str = "There is no such page, or it is not yours to see.") -> None:
        """Say the same for what is missing and for what is private."""
        super().__init__(sentence)


class NotAllowed(Refusal):
    """The person may see the thing but not do this to it. Where existence is private raise NotFound instead."""

    status = 403

    def __init__(self, sentence: str = "Your role does not allow this. Ask an admin of your organization.") -> None:
        """Say who can help."""
        super().__init__(sentence)


class Conflict(Refusal):
    """The thing is no longer in a state in which this can be done."""

    status = 409


class Invalid(Refusal):
    """What was typed cannot be taken. ``problems`` maps a field's name to its sentence; "" is the form as a whole."""

    status = 422

    def __init__(self, problems: dict[str, str]) -> None:
        """Keep a sentence per field."""
        super().__init__("Some answers need another look.")
        self.problems = problems


class TooMany(Refusal):
    """Too many tries. ``retry_after`` is in seconds."""

    status = 429

    def __init__(self, retry_after: int, *, otherwise: str = "") -> None:
        """Say when to come back, and what can be done meanwhile."""
        minutes = max(1, round(retry_after / 60))
        wait = "a minute" if minutes == 1 else f"{minutes} minutes"
        super().__init__(f"Too many tries. Wait {wait}, then try again. {otherwise}".rstrip())
        self.retry_after = retry_after
