"""The other end of a benchmark, in a process of its own: takes every letter as fast as it can and only counts."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

ACCEPTED = b"HTTP/1.1 202 Accepted\r\nX-Message-Id: 4XyZ1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
REFUSED = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
# Whoever comes without a length, hangs up or never ends a line is no letter, and no reason for a page of traceback.
ODD = (ConnectionError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)
ANSWERS = {b"EHLO": b"250 sink", b"DATA": b"354 go on", b"QUIT": b"221 bye"}


async def _smtp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 sink\r\n")
    try:
        while line := await reader.readline():
            verb = line[:4].upper()
            writer.write(ANSWERS.get(verb, b"250 OK") + b"\r\n")
            if verb == b"DATA":
                await reader.readuntil(b"\r\n.\r\n")
                writer.write(b"250 OK: queued as 4XyZ1\r\n")
    except ODD:
        pass
    writer.close()


async def _http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        writer.write(ACCEPTED)
        await writer.drain()
    except ODD:
        writer.write(REFUSED)  # nobody counts on a letter that was not taken
    writer.close()


async def _serve(ready: Connection) -> None:
    servers = [
        await asyncio.start_server(handler, "127.0.0.1", 0, limit=1 << 25, backlog=512) for handler in (_smtp, _http)
    ]
    ready.send([server.sockets[0].getsockname()[1] for server in servers])
    await asyncio.Event().wait()


def _run(ready: Connection) -> None:
    asyncio.run(_serve(ready))


@contextmanager
def sinks() -> Iterator[tuple[str, str]]:
    """The addresses of a mail server and of a SendGrid."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_run, args=(there,), daemon=True)
    process.start()
    there.close()  # so that its death is heard here, and not waited for
    smtp, http = here.recv()
    try:
        yield f"smtp://127.0.0.1:{smtp}", f"http://127.0.0.1:{http}"
    finally:
        process.kill()
        process.join()
