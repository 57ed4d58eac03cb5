"""Running web and worker together: two processes that start and stop as one, for a single machine."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from types import FrameType

from config.settings import Settings

GRACE_SECONDS = 25
LOOK_EVERY_SECONDS = 0.2


def web_command(settings: Settings) -> list[str]:
    """How granian is started."""
    host, _, port = settings.web_bind.rpartition(":")
    return [
        *(sys.executable, "-m", "granian", "--interface", "wsgi"),
        *("--host", host, "--port", port),
        *("--workers", str(settings.web_workers), "--blocking-threads", str(settings.web_threads)),
        *(
            "--backpressure",
            str(settings.web_threads * 32),
            "--no-ws",
            "--http",
            "1",
            "--log-level",
            "warning",
        ),
        "wsgi:app",
    ]


def worker_command(settings: Settings) -> list[str]:
    """How the worker is started."""
    return [
        sys.executable,
        "-m",
        "flask",
        "--app",
        "wsgi",
        "worker",
        "--threads",
        str(settings.worker_threads),
    ]


class Supervisor:
    """Starts the commands, waits until told to stop or until one of them ends, then stops the others cleanly."""

    def __init__(self, commands: dict[str, list[str]]) -> None:
        """Keep what to run, by name."""
        self.commands = commands
        self.stopping = False

    def run(self) -> int:
        """Run until SIGTERM or Ctrl-C (exit status 0), or until a part ends by itself (its status, at least 1)."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        # Parts get a process group of their own, so that Ctrl-C reaches them once: through this supervisor.
        running = {
            name: subprocess.Popen(command, env=os.environ.copy(), start_new_session=True)  # noqa: S603 - our own commands
            for name, command in self.commands.items()
        }
        failed = 0
        while not self.stopping and not failed:
            time.sleep(LOOK_EVERY_SECONDS)
            for name, process in running.items():
                status = process.poll()
                if status is not None:
                    sys.stderr.write(f"{name} ended with status {status}; stopping the rest.\n")
                    failed = abs(status) or 1
        self._end(running)
        return failed

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stopping = True

    def _end(self, running: dict[str, subprocess.Popen[bytes]]) -> None:
        for process in running.values():
            if process.poll() is None:
                process.terminate()
        for name, process in running.items():
            try:
                process.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                sys.stderr.write(f"{name} did not stop within {GRACE_SECONDS} s and was killed; its leases run out.\n")
                process.kill()
                process.wait()
        for process in running.values():
            # What a part that died or was killed left behind: the web server's own workers would keep its port.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
