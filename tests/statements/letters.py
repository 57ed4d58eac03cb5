"""A sample of every letter of statements, for the tests of the house."""

from __future__ import annotations

from typing import Any

LETTERS: dict[str, dict[str, Any]] = {
    "statements/mail/review": {
        "person": "Ingrid Sørensen",
        "organization": "Northwest Privacy Alliance",
        "coalition": "Coalition for Open Faces",
        "sender_name": "Coalition for Open Faces",
        "campaign": "End police face recognition",
        "title": "Leave our faces alone",
        "number": 3,
        "beginning": "To the members of the council:\n\nWe ask you to vote for the ordinance before you. …",
        "answer_path": "/work/open-faces/statements/leave-our-faces-alone/answer",
    }
}
