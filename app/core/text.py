"""Text in one form: the canonical text a digest stands for, names as they are compared and sorted, addresses folded.

``docs/digest.md`` tells strangers how to recompute a digest by hand.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

from email_validator import EmailNotValidError, validate_email

# Removed from canonical text: controls other than newline, zero-width and direction marks. They can make two
# different texts look alike, or one text look like another.
INVISIBLE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]"
)
LEGAL_FORMS = re.compile(r"\b(inc|incorporated|llc|ltd|limited|corp|corporation|co|e ?v|gmbh|ngo)\b")
PARENTHESIS = re.compile(r"\([^)]*\)")
GMAIL = {"gmail.com", "googlemail.com"}


def canonical(text: str) -> str:
    """The form of a text that its digest stands for.

    Unicode NFC; line ends are one LF; tabs are one space; invisible characters are removed; white space at the end
    of each line and empty lines at the start and end are removed; the text ends with exactly one LF.
    """
    unified = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))
    lines = [line.rstrip() for line in INVISIBLE.sub("", unified).split("\n")]
    return "\n".join(lines).strip("\n") + "\n"


def digest(text: str) -> str:
    """The SHA-256 of the canonical text in UTF-8, as 64 lowercase hexadecimal digits."""
    return hashlib.sha256(canonical(text).encode()).hexdigest()


def short_digest(full: str) -> str:
    """The first 16 digits of a digest in groups of four, for people to compare."""
    return " ".join(full[start : start + 4] for start in range(0, 16, 4))


def plain(text: str, limit: int = 300) -> str:
    """One line of a person's or group's name: invisible characters gone, white space single, at most ``limit`` long."""
    unified = unicodedata.normalize("NFC", INVISIBLE.sub("", re.sub(r"[\r\n\t\x0b\x0c\u2028\u2029]+", " ", text)))
    return re.sub(r"\s+", " ", unified).strip()[:limit]


def _folded(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold().replace("ß", "ss").replace("ø", "o").replace("ł", "l"))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def slugify(name: str, *, otherwise: str = "untitled") -> str:
    """A part of an address: lowercase ASCII letters, digits and single hyphens, at most 80 characters."""
    ascii_text = _folded(name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text).strip("-")[:80].strip("-") or otherwise


def normal_name(name: str) -> str:
    """An organization's name as it is compared: no case, accents, punctuation, article, legal form or parenthesis."""
    words = re.sub(
        r"[^\w]+", " ", _folded(PARENTHESIS.sub(" ", name)).replace("'", "").replace("’", "").replace(".", "")
    ).strip()
    words = LEGAL_FORMS.sub(" ", words.removeprefix("the "))
    return re.sub(r"\s+", " ", words).strip() or _folded(name).strip()


def sort_key(name: str) -> tuple[str, str]:
    """Where a name stands on the roll: "The" and accents are ignored; equal names keep one order."""
    return _folded(plain(name)).removeprefix("the ").strip(" \"'“‘(."), name


def canonical_email(address: str) -> str:
    """An address as it is compared: lowercase, domain in ASCII, without a ``+tag``, and without dots at Gmail.

    Tags are folded at every domain: one mailbox counted twice harms a petition more than two that share a stem. Raises
    ValueError with a sentence for what is no address. Whether the mailbox exists is not asked.
    """
    try:
        found = validate_email(address.strip(), check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as error:
        message = "Write an e-mail address like name@example.org."
        raise ValueError(message) from error
    local, domain = found.local_part.casefold(), (found.ascii_domain or found.domain).casefold()
    top = domain.rpartition(".")[2]
    if top == domain or top.isdigit():
        message = "Write an e-mail address like name@example.org."
        raise ValueError(message)
    local = local.split("+", 1)[0] or local
    if domain in GMAIL:
        local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}@{domain}"
