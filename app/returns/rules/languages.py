"""What stands above a quotation, in languages that quotequail does not know, put into English before it looks.

Only what it is shown changes: whatever stays among the new words is put back as it was written.
"""

from __future__ import annotations

import re

MARK = "\ue001"  # of a private area: no mail means anything by it
# Any language: it names an address or a time of day, ends with a colon, and what follows is quoted.
TELLS = re.compile(r"@|\d{1,2}[:.h]\d{2}|[\u0660-\u0669]{1,2}:[\u0660-\u0669]{2}")
LONGEST = 300
# The heads of a letter as Outlook copies them, as far as quotequail does not know them.
HEADS = {
    "From": ("من", "da", "od", "发件人", "寄件者", "差出人", "보낸 사람", "kimden", "fra"),
    "Sent": (
        *("تم الإرسال", "تاريخ الإرسال", "أرسلت", "التاريخ", "envoyé", "enviado", "enviada em", "inviato", "wysłano"),
        *("发送时间", "寄件日期", "送信日時", "보낸 날짜", "gönderildi", "sendt", "date"),
    ),
    "To": ("إلى", "a", "do", "收件人", "收件者", "宛先", "받는 사람", "kime", "til"),
    "Subject": ("الموضوع", "oggetto", "assunto", "temat", "主题", "主旨", "件名", "제목", "konu", "emne"),
    "Cc": ("نسخة", "نسخة إلى", "dw", "抄送", "副本", "참조"),
}
ENGLISH = {name: head for head, names in HEADS.items() for name in names}
HEAD = re.compile(r"\*?([^\W\d_][^:：\n<>@]{0,25}?)\s*[:：]\*?\s*(.*)")
SEPARATOR = re.compile(r"\n*^-{3,} ?[^\n-]{3,60} ?-{3,}$\s*\Z", re.MULTILINE)


def in_english(lines: list[str]) -> tuple[list[str], dict[str, str]]:
    """The lines, with attributions and copied heads of other languages in English; and what each such line was."""
    made = [line.replace("\u00a0", " ").replace("\u202f", " ").replace(MARK, "") for line in lines]
    seen = made.copy()
    _attributions(made, seen)
    _heads(made)
    return made, {new: old for new, old in zip(made, seen, strict=True) if new and new != old}


def as_written(words: str, were: dict[str, str]) -> str:
    """The words with every line that was put into English as it had been."""
    return re.sub(f"{MARK}\\d+{MARK}", "", "\n".join(were.get(line, line) for line in words.split("\n")))


def without_separator(words: str) -> str:
    """The new words without the line that says that an older letter follows."""
    return SEPARATOR.sub("", words)


def _attributions(lines: list[str], seen: list[str]) -> None:
    for at, line in enumerate(lines):
        if not line.rstrip().endswith((":", "：")) or line.startswith(">") or not _is_quoted_below(lines, at):
            continue
        first = at if at == 0 or not lines[at - 1].strip() or _tells(line) else at - 1
        if not _tells(" ".join(lines[first : at + 1])):
            continue
        lines[first] = f"On {MARK}{first}{MARK} somebody wrote:"
        if first < at:
            lines[at] = ""
            seen[first] += f"\n{seen[at]}"


def _tells(words: str) -> bool:
    return len(words) <= LONGEST and TELLS.search(words) is not None


def _is_quoted_below(lines: list[str], at: int) -> bool:
    below = next((line for line in lines[at + 1 : at + 4] if line.strip()), "")
    return below.startswith(">")


def _heads(lines: list[str]) -> None:
    """Two or more heads in a row are a copied letter's; one alone is somebody's own words."""
    found = {at: named for at, line in enumerate(lines) if len(line) <= LONGEST and (named := _head(line))}
    for at, (name, rest) in found.items():
        if at - 1 in found or at + 1 in found:
            lines[at] = f"{name}: {MARK}{at}{MARK}{rest}"


def _head(line: str) -> tuple[str, str] | None:
    parts = HEAD.fullmatch(line.strip())
    name = ENGLISH.get(parts[1].strip().casefold()) if parts else None
    return (name, parts[2]) if parts and name else None
