"""Every write of a sign-on, by who acts: organizers who ask, organizations that answer, and the closing."""

from app.signons.commands.answering import (
    Correction,
    Decline,
    NewSignOn,
    Withdrawal,
    correct,
    decline,
    refuse_unless_signable,
    sign_on,
    withdraw,
)
from app.signons.commands.asking import ask_to_sign, resend_request, resend_to_unanswered, revoke_request
from app.signons.commands.closing import close, finish, keep_document
from app.signons.commands.disputing import Dispute, Lifting, dispute, lift_dispute

__all__ = [
    "Correction",
    "Decline",
    "Dispute",
    "Lifting",
    "NewSignOn",
    "Withdrawal",
    "ask_to_sign",
    "close",
    "correct",
    "decline",
    "dispute",
    "finish",
    "keep_document",
    "lift_dispute",
    "refuse_unless_signable",
    "resend_request",
    "resend_to_unanswered",
    "revoke_request",
    "sign_on",
    "withdraw",
]
