"""Every write of drafting, by what it does to the text: writing it, talking about it, fixing and opening it."""

from app.statements.commands.drafting import (
    NewRevision,
    NewStatement,
    Restoring,
    restore_revision,
    save_revision,
    start_statement,
)
from app.statements.commands.opening import (
    Freezing,
    Opening,
    archive,
    close,
    extend_deadline,
    freeze,
    mark_delivered,
    open_for_sign_on,
    take_from_archive,
    unfreeze,
)
from app.statements.commands.reviewing import NewPosition, ask_for_review, back_to_drafting, take_position
from app.statements.commands.suggesting import (
    Decision,
    NewComment,
    NewSuggestion,
    comment,
    decide_suggestion,
    resolve_comment,
    suggest,
    withdraw_suggestion,
)

__all__ = [
    "Decision",
    "Freezing",
    "NewComment",
    "NewPosition",
    "NewRevision",
    "NewStatement",
    "NewSuggestion",
    "Opening",
    "Restoring",
    "archive",
    "ask_for_review",
    "back_to_drafting",
    "close",
    "comment",
    "decide_suggestion",
    "extend_deadline",
    "freeze",
    "mark_delivered",
    "open_for_sign_on",
    "resolve_comment",
    "restore_revision",
    "save_revision",
    "start_statement",
    "suggest",
    "take_from_archive",
    "take_position",
    "unfreeze",
    "withdraw_suggestion",
]
