"""Samples for the letters of updates."""

LETTERS = {
    "broadcasts/mail/update": {
        "subject_line": "Ewa, the letter has been delivered",
        "markdown": "Hello Ewa,\n\nthe **letter** went out.\n\n- one\n- two\n",
        "organization": "Fight for the Future",
        "campaign": "End police face recognition",
        "campaign_path": "/campaigns/end",
        "test": False,
        "manage_path": "/preferences/token",
    },
    "broadcasts/mail/approval_wanted": {
        "name": "Dana",
        "sender": "Fight for the Future",
        "subject_line": "The letter has been delivered",
        "author": "Robin",
        "path": "/work/coalition/updates/1",
    },
}
