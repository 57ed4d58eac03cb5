"""One sample of each letter that deliveries write, for the tests of all letters."""

from __future__ import annotations

from typing import Any

LETTERS: dict[str, dict[str, Any]] = {
    "deliveries/mail/to_target": {
        "addressed_as": "Councilmember Demo District One",
        "coalition": "Coalition for Open Faces",
        "title": "Stop selling face recognition to police, for good",
        "stands_behind": "30 organizations signed it, among them Fight for the Future and Zaštita <Privatnosti>.",
        "summary": "Stop selling face recognition to police, for good.",
        "filename": "stop-selling.pdf",
        "digest": "3f" * 32,
        "public_path": "/statements/stop-selling",
        "verify_path": "/statements/stop-selling/verify",
        "reply_to": "press@fftf.example",
    },
    "deliveries/mail/trouble": {
        "coalition": "Coalition for Open Faces",
        "title": "Stop selling face recognition to police, for good",
        "items": [
            {"target": "IBM", "detail": "No e-mail address is known for IBM. Add one to the target and send again."},
            {"target": "Council District 4", "detail": "The letter to d4@kc.example came back: 550 no such user"},
        ],
        "deliveries_path": "/work/open-faces/deliveries",
    },
}
