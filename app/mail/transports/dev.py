"""The development transport: letters become files to read, and nothing leaves the machine."""

from __future__ import annotations

import contextlib
import os
import re
import threading
from datetime import timedelta
from pathlib import Path

from app.mail.transports import Accepted, Letter, TryAgain


class DevTransport:
    """Writes ``<folder>/<id>.eml``. One Message-ID is one file: a letter repeated after a crash replaces itself."""

    name = "dev"
    patience = timedelta(seconds=20)

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def submit(self, letter: Letter) -> Accepted:
        """Write the letter whole or not at all."""
        name = file_name(str(letter.message["Message-ID"]))
        part = self.folder / f".{name}.{os.getpid()}.{threading.get_ident()}.part"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            part.write_bytes(letter.raw)
            part.replace(self.folder / name)
        except OSError as error:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            said = f"The file could not be written: {error.strerror}"
            raise TryAgain(timedelta(minutes=1), said, everyone=True) from error
        return Accepted(provider_id=name)


def file_name(message_id: str) -> str:
    """The letter's file: the part of its Message-ID before our domain, which sorts as the letters were queued."""
    return re.sub(r"[^0-9A-Za-z.-]", "_", message_id.strip("<>").partition("@")[0]) + ".eml"
