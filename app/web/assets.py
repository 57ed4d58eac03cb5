"""The one stylesheet, joined from its parts at the start, and every static file under a name that changes with it."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

from flask import Flask, Response, abort, request, send_from_directory

from app.web.security import public

STATIC = Path(__file__).parent.parent / "static"
FAR_FUTURE = "public, max-age=31536000, immutable"


class Stylesheet:
    """All parts of ``static/css`` in the order of their names, and a digest of them."""

    def __init__(self, folder: Path = STATIC / "css") -> None:
        """Read the parts once."""
        parts = sorted(folder.glob("*.css")) if folder.exists() else []
        self.text = "\n".join(part.read_text(encoding="utf-8") for part in parts)
        self.digest = hashlib.sha256(self.text.encode()).hexdigest()[:12]
        # Nothing in it is secret or anybody's own words, so it may be packed; pages are not, for both stand in them.
        self.packed = gzip.compress(self.text.encode(), mtime=0)


def file_digest(path: Path) -> str:
    """A short digest of a static file, for its address."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def install(app: Flask) -> None:
    """Give templates ``asset(name)`` and serve what it names."""
    sheet = Stylesheet()
    known: dict[str, str] = {}

    def asset(name: str) -> str:
        if name == "undersigned.css":
            return f"/static/css/undersigned.{sheet.digest}.css"
        if name not in known:
            known[name] = f"/static/{name}?v={file_digest(STATIC / name)}"
        return known[name]

    @public
    def stylesheet(digest: str) -> Response:
        if digest != sheet.digest:
            abort(404)
        packed = request.accept_encodings["gzip"] > 0
        answer = Response(sheet.packed if packed else sheet.text, mimetype="text/css")
        if packed:
            answer.headers["Content-Encoding"] = "gzip"
        answer.vary.add("Accept-Encoding")
        return _kept(answer)

    @public
    def static_file(name: str) -> Response:
        return _kept(send_from_directory(STATIC, name))

    app.jinja_env.globals["asset"] = asset
    app.add_url_rule("/static/css/undersigned.<digest>.css", "stylesheet", stylesheet)
    app.add_url_rule("/static/<path:name>", "static", static_file)


def _kept(response: Response) -> Response:
    response.headers["Cache-Control"] = FAR_FUTURE
    return response
