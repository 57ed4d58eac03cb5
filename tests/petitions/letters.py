"""Samples for the letters of petitions."""

WORDS = {
    "given_name": "Ewa",
    "title": "Ban police face recognition",
    "coalition": "Coalition for Open Faces",
    "petition_path": "/petitions/ban",
    "confirm_path": "/confirm/token",
}
LETTERS = {"petitions/mail/confirm": WORDS, "petitions/mail/already_signed": WORDS}
