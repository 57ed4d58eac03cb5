"""One sample of each letter that campaigns write, for the tests of all letters."""

from __future__ import annotations

from typing import Any

LETTERS: dict[str, dict[str, Any]] = {
    "campaigns/mail/runs_out": {
        "coalition": "Coalition for Open Faces",
        "campaign": "Stop selling face recognition to police, for good",
        "target": "Amazon.com",
        "headline": "One-year moratorium on <police> use",
        "made_on": "June 10, 2020",
        "expires_on": "June 10, 2021",
        "campaign_path": "/work/open-faces/campaigns/stop-selling",
    },
}
