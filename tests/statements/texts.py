"""Texts that letters are made of, easy and hard, for every test that needs words."""

from __future__ import annotations

PLAIN = """\
To the members of the council:

We ask you to vote for the ordinance before you.

A promise without an end date is a promise that can end tomorrow.

We will publish your answer beside this letter.
"""

WITH_EVERYTHING = """\
# Leave our faces alone

To **Amazon.com** and the members of the *King County Council*:

We ask

1. that Amazon stop selling face recognition to police, for good;[^why]
2. that the council pass the ban, covering `use` and purchase alike:
   - by its own agencies,
   - through [third parties](https://example.org/third-parties).

> A pause is not a promise.

---

Until then, we remain at your disposal.

[^why]: Since 2018 this has been asked again and again.
"""

HOSTILE = """\
<script>alert("x")</script>

[press here](javascript:alert(1)) ![pixel](https://tracker.example/p.gif) <img src=x onerror=alert(2)>

{{ config }} {% raw %} =HYPERLINK("http://example.org")

pay\u202etxt.exe and zero\u200bwidth\x00null
"""

TEXTS: dict[str, str] = {
    "plain": PLAIN,
    "with everything": WITH_EVERYTHING,
    "hostile": HOSTILE,
    "windows line ends": PLAIN.replace("\n", "\r\n"),
    "decomposed accents": "Jose\u0301 and the Cafe\u0301 Colectivo ask for an answer.\n",
    "arabic": "نطلب من المجلس أن يصوت لصالح الحظر.\n\nونطلب جواباً مكتوباً.\n",
    "chinese": "我们要求议会通过禁令。\n\n我们等待书面答复。\n",
    "one line": "Answer us by Friday.",
    "long": "".join(
        f"{number}. Whereas point {number} has been raised and not answered,\n" for number in range(1, 1500)
    ),
}
