"""A sample of every letter of coalitions, for the tests of the house."""

from __future__ import annotations

from typing import Any

_WHO = {"organization_name": "Northwest Privacy Alliance", "coalition_name": "Coalition for Open Faces"}

LETTERS: dict[str, dict[str, Any]] = {
    "coalitions/mail/invitation": {
        **_WHO,
        "name": "Ingrid Sørensen",
        "inviter": "Robin Vale of Fight for the Future",
        "role": "admin",
        "purpose": "End police use of face recognition.",
        "expires": "June 3, 2021, 10:00 AM PDT",
        "invitation_path": "/invitation/abc",
    },
    "coalitions/mail/joined_notice": {**_WHO, "person": "Ingrid Sørensen"},
    "coalitions/mail/address_changed": {**_WHO, "person": "Ingrid Sørensen", "at": "May 20, 2021, 5:00 PM UTC"},
}
