"""Text in one form: the canonical text a digest stands for, names as they are compared and sorted, addresses folded.

``docs/digest.md`` tells strangers how to recompute a digest by hand.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

from email_validator import EmailNotValidError, validate_email

# Typists and word processors end lines in many ways; Word's soft break arrives as a vertical tab.
LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
# Characters without a look of their own: controls other than newline, soft hyphens, direction marks, fillers, tags.
# They can make two different texts look alike. The joiners U+200C and U+200D stay: Persian and Hindi spell with them.
INVISIBLE = re.compile(
    "[\x00-\x09\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
SURROGATES = re.compile("[\ud800-\udfff]")  # half a character: UTF-8 cannot hold it, so no file and no form has one
SPACES = "\u0020\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
# A joiner means something between two letters of a script that joins; anywhere else it only hides.
JOINING = "[^\x00-\u02ff\\s\u200c\u200d]"
STRAY_JOINERS = re.compile(f"(?<!{JOINING})[\u200c\u200d]|[\u200c\u200d](?!{JOINING})")
LEGAL_FORMS = re.compile(r"(?<=\w)( (inc|incorporated|llc|ltd|limited|corp|corporation|co|e ?v|gmbh))+$")
PARENTHESIS = re.compile(r"\([^)]*\)")
UNFOLDED = str.maketrans({"ø": "o", "ł": "l", "æ": "ae", "œ": "oe", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ħ": "h"})
GMAIL = {"gmail.com", "googlemail.com"}
NO_ADDRESS = "Write an e-mail address like name@example.org."


def canonical(text: str) -> str:
    """The form of a text that its digest stands for.

    Every line end is one LF, every tab one space; invisible characters are removed; Unicode NFC; spaces at the end of
    each line and empty lines at the start and end are removed; the text ends with exactly one LF. Empty lines inside
    and spaces at the start of a line stay: Markdown gives them meaning. The canonical form of a canonical text is
    itself. ``docs/digest.md`` has the same rules for strangers; change both together, and never for texts in use.
    """
    visible = INVISIBLE.sub("", LINE_ENDS.sub("\n", SURROGATES.sub("", text)).replace("\t", " "))
    lines = [line.rstrip(SPACES) for line in unicodedata.normalize("NFC", visible).split("\n")]
    return "\n".join(lines).strip("\n") + "\n"


def digest(text: str) -> str:
    """The SHA-256 of the canonical text in UTF-8, as 64 lowercase hexadecimal digits."""
    return hashlib.sha256(canonical(text).encode()).hexdigest()


def short_digest(full: str) -> str:
    """The first 16 digits of a digest in groups of four, for people to compare."""
    return " ".join(full[start : start + 4] for start in range(0, 16, 4))


def plain(text: str, limit: int = 300) -> str:
    """One line of a person's or group's name: invisible characters gone, white space single, at most ``limit`` long."""
    if text.isascii() and text.isprintable():  # as most are: nothing below would find anything
        return " ".join(text.split())[:limit].rstrip()
    one_line = " ".join(SURROGATES.sub("", LINE_ENDS.sub(" ", text)).replace("\t", " ").split())
    visible = STRAY_JOINERS.sub("", INVISIBLE.sub("", one_line))
    return " ".join(unicodedata.normalize("NFC", visible).split())[:limit].rstrip()


def _folded(text: str) -> str:
    folded = plain(text, len(text)).casefold()
    if folded.isascii():
        return folded
    decomposed = unicodedata.normalize("NFKD", folded).translate(UNFOLDED)
    return "".join(
        letter for letter in decomposed if not unicodedata.combining(letter) and letter not in "\u200c\u200d"
    )


def slugify(name: str, *, otherwise: str = "untitled") -> str:
    """A part of an address: lowercase ASCII letters, digits and single hyphens, at most 80 characters."""
    ascii_text = _folded(name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text).strip("-")[:80].strip("-") or otherwise


def normal_name(name: str) -> str:
    """An organization's name as it is compared: no case, accents, punctuation, article, parenthesis or legal form.

    Legal forms go only from the end, so that "Limited Means Alliance" and "Co-op Housing" keep their names. A name of
    nothing else is compared as it stands.
    """
    spelled = re.sub(r"['’ʼ`.]", "", _folded(PARENTHESIS.sub(" ", name)).replace("&", " and "))
    words = re.sub(r"[\W_]+", " ", spelled).strip().removeprefix("the ")
    return LEGAL_FORMS.sub("", words) or _folded(name)


def sort_key(name: str) -> tuple[str, str]:
    """Where a name stands on the roll: "The" and accents are ignored; equal names keep one order."""
    return _folded(name).lstrip(" \"'“‘«([.¡¿").removeprefix("the "), name


def canonical_email(address: str) -> str:
    """An address as it is compared: lowercase, domain in ASCII, without a ``+tag``, and without dots at Gmail.

    Tags are folded at every domain: one mailbox counted twice harms a petition more than two that share a stem. Raises
    ValueError with a sentence for what is no address. Whether the mailbox exists is not asked.
    """
    try:
        found = validate_email(address.strip(), check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as error:
        raise ValueError(NO_ADDRESS) from error
    local, domain = found.local_part.casefold(), (found.ascii_domain or found.domain).casefold()
    top = domain.rpartition(".")[2]
    if top == domain or top.isdigit():
        raise ValueError(NO_ADDRESS)
    local = local.split("+", 1)[0] or local
    if domain in GMAIL:
        local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}@{domain}"
