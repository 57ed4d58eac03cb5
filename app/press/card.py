"""The picture that shows when somebody shares a page: 1200 by 630, a sheet with what it says and who stands."""

from __future__ import annotations

import functools
import io
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

FONTS = Path(__file__).parents[1] / "static" / "fonts"
CJK = Path(__file__).with_name("fonts") / "undersigned-cjk.otf"
WIDTH, HEIGHT, MARGIN = 1200, 630, 84
PAPER, INK, SOFT, RULE, PEN = "#ffffff", "#1b1d22", "#555a64", "#7d818a", "#1f4690"
MOST_LINES = 4
SIZES = (76, 66, 58, 50, 44)


@functools.cache
def _font(cut: str, weight: int, size: int) -> ImageFont.FreeTypeFont:
    if cut == "cjk":
        return ImageFont.truetype(CJK, size)
    return ImageFont.truetype(FONTS / f"source-serif-4-{cut}-{weight}-normal.woff2", size)


def _cut(letter: str) -> str:
    """Which part of the site's font has this letter; Han, Kana and Hangul come from the press."""
    code = ord(letter)
    if code <= 0xFF or 0x2000 <= code <= 0x206F or code in {0x131, 0x152, 0x153, 0x2C6, 0x2DC, 0x20AC, 0x2122}:
        return "latin"
    if code >= 0x2E80:
        return "cjk"
    vietnamese = code in {0x102, 0x103, 0x110, 0x111, 0x1A0, 0x1A1, 0x1AF, 0x1B0} or 0x1EA0 <= code <= 0x1EF9
    return "vietnamese" if vietnamese else "latin-ext"


def _runs(text: str) -> list[tuple[str, str]]:
    """The text in pieces that one cut of the font can set."""
    runs: list[tuple[str, str]] = []
    for letter in text:
        cut = _cut(letter)
        if runs and runs[-1][0] == cut:
            runs[-1] = (cut, runs[-1][1] + letter)
        else:
            runs.append((cut, letter))
    return runs


def _length(text: str, weight: int, size: int) -> float:
    return sum(_font(cut, weight, size).getlength(run) for cut, run in _runs(text))


def _write(sheet: ImageDraw.ImageDraw, at: tuple[float, float], text: str, weight: int, size: int, ink: str) -> None:
    x, y = at
    for cut, run in _runs(text):
        font = _font(cut, weight, size)
        sheet.text((x, y), run, font=font, fill=ink, anchor="ls")
        x += font.getlength(run)


def _wrapped(text: str, weight: int, size: int, room: int = WIDTH - 2 * MARGIN) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if _length(longer, weight, size) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return [line for line in lines if line]


def _one_line(text: str, weight: int, size: int) -> str:
    lines = _wrapped(text, weight, size)
    return lines[0] + ("…" if len(lines) > 1 else "")


def _fitted(title: str) -> tuple[int, list[str]]:
    """The largest size at which the title stands in four lines; a longer one is cut off with an ellipsis."""
    for size in SIZES:
        lines = _wrapped(title, 600, size)
        if len(lines) <= MOST_LINES:
            return size, _level(title, size, len(lines))
    kept = _wrapped(title, 600, SIZES[-1])[:MOST_LINES]
    return SIZES[-1], [*kept[:-1], f"{kept[-1].rstrip(' ,;:.')}…"]


def _level(title: str, size: int, number: int) -> list[str]:
    """The title in as many lines, but about equally long, so that no word stands alone in the last."""
    best = _wrapped(title, 600, size)
    for room in range(WIDTH - 2 * MARGIN, 300, -20):
        lines = _wrapped(title, 600, size, room)
        if len(lines) > number:
            break
        best = lines
    return best


@functools.lru_cache(maxsize=64)
def draw_card(title: str, author: str, line: str, *, notice: str = "") -> bytes:
    """A PNG of title, letterhead and one line about who stands behind it; the same words give the same bytes."""
    image = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    sheet = ImageDraw.Draw(image)
    sheet.rectangle((0, 0, WIDTH, 12), fill=PEN)
    _write(sheet, (MARGIN, 96), _one_line(author, 600, 32), 600, 32, INK)
    for y in (120, 125):
        sheet.line((MARGIN, y, WIDTH - MARGIN, y), fill=RULE, width=2)
    size, lines = _fitted(title)
    top = 150 + size
    for place, text in enumerate(lines):
        _write(sheet, (MARGIN, top + place * size * 1.16), text, 600, size, INK)
    _write(sheet, (MARGIN, HEIGHT - 96), _one_line(line, 400, 36), 400, 36, PEN)
    _write(sheet, (MARGIN, HEIGHT - 48), notice or "Undersigned", 400, 26, SOFT)
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()
