"""One sample of each letter that sign-ons write, for the tests of all letters."""

from __future__ import annotations

from typing import Any

_SHARED: dict[str, Any] = {
    "coalition": "Coalition for Open Faces",
    "title": "Stop selling face recognition to police, for good",
    "digest": "3f" * 32,
    "deadline": "June 10, 2021, 5:00 PM PDT",
    "withdraw_until": "June 10, 2021, 5:00 PM PDT",
    "public_path": "/statements/stop-selling",
}
_NAME = {
    "organization": "Zaštita <Privatnosti> & Friends",
    "listed_as": "Zaštita <Privatnosti>",
    "signatory": "Ingrid Sørensen, Executive Director",
    "at": "May 20, 2021, 10:00 AM PDT",
}
_ATTESTED = {"attestation": "I am authorized to sign for Zaštita <Privatnosti> & Friends."}
_MANAGE = {"receipt_path": "/sign-on/manage/abc"}
_ANSWERS = {"answers_path": "/work/open-faces/statements/stop-selling/sign-ons"}

LETTERS: dict[str, dict[str, Any]] = {
    "signons/mail/request": {
        **_SHARED,
        "name": "Ingrid Sørensen",
        "organization": "Zaštita <Privatnosti> & Friends",
        "again": True,
        "beginning": "To Amazon.com:\n\nWe ask you to stop selling face recognition to police. …",
        "answer_path": "/sign-on/abc",
    },
    "signons/mail/signed": {**_SHARED, **_NAME, **_ATTESTED, **_MANAGE},
    "signons/mail/corrected": {**_SHARED, **_NAME, **_ATTESTED, **_MANAGE},
    "signons/mail/withdrawn": {**_SHARED, **_NAME, **_ATTESTED, **_MANAGE},
    "signons/mail/notice": {**_SHARED, **_NAME, "dispute_path": "/sign-on/dispute/abc"},
    "signons/mail/disputed": {
        **_SHARED,
        **_NAME,
        **_ANSWERS,
        "reason": "Nobody of this name works here.",
        "printed": "yes",
    },
    "signons/mail/nobody_signed": {**_SHARED, **_ANSWERS},
    "signons/mail/delivered": {
        **_SHARED,
        "organization": "Zaštita <Privatnosti> & Friends",
        "number": 30,
        "deliveries": [
            {"target": "Amazon.com", "says": "The mail server took it. Whether it reached the mailbox is not known."}
        ],
        "pdf_path": "/statements/stop-selling.pdf",
    },
}
