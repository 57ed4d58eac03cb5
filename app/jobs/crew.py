"""Who works: every job has threads of its own, so that no job, however long, keeps another from being looked for."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

PATIENT_NICENESS = 15
WORTH_ANOTHER = 10  # a lot of so many says that there is more than one thread's work


@dataclass(slots=True)
class Line:
    """One job: how many threads are at it, and whether a bell rang that none of them has looked for yet."""

    working: int = 0
    called: bool = False


class Crew:
    """Looks for work when called: ``lot`` does one lot of a job and returns its size, ``most`` is its threads.

    Threads of a ``patient`` job take only the processor time that everybody else leaves.
    """

    def __init__(
        self, lot: Callable[[str], int], most: Callable[[str], int], *, patient: Collection[str] = frozenset()
    ) -> None:
        self._lot, self._most, self._patient = lot, most, patient
        self._lines: dict[str, Line] = {}
        self._change = threading.Condition()
        self._stopping = False

    def call(self, name: str) -> None:
        """Have somebody look for this work now, or once more if everybody who may is at it. Returns at once."""
        with self._change:
            line = self._lines.setdefault(name, Line())
            if self._stopping:
                return
            if line.working >= self._most(name):
                line.called = True
                return
            line.working += 1
        try:
            threading.Thread(target=self._work, args=(name,), name=name, daemon=True).start()
        except RuntimeError:  # no thread more than there are: the place stays free for the next call
            self._leave(name)
            raise

    def working(self, name: str) -> int:
        """How many threads are at this job."""
        with self._change:
            return self._lines[name].working if name in self._lines else 0

    def stop(self, seconds: float) -> bool:
        """Take on nothing new; whether everybody ended their lot in time."""
        until = time.monotonic() + seconds
        with self._change:
            self._stopping = True
            return self._change.wait_for(self._idle, until - time.monotonic())

    def wait_idle(self, seconds: float) -> bool:
        """Wait until nobody works; False if somebody still does after so long."""
        with self._change:
            return self._change.wait_for(self._idle, seconds)

    def _idle(self) -> bool:
        return not any(line.working for line in self._lines.values())

    def _work(self, name: str) -> None:
        left = False
        if name in self._patient:
            _step_back()
        try:
            while not left:
                done = self._lot(name)
                if done >= WORTH_ANOTHER:
                    self._widen(name)
                left = not self._goes_on(name, done)
        finally:
            if not left:  # it broke where nothing should: the place is free for the next who is called
                self._leave(name)

    def _widen(self, name: str) -> None:
        with self._change:
            wider = self._lines[name].working < self._most(name)
        if wider:
            self.call(name)

    def _goes_on(self, name: str, done: int) -> bool:
        """Whether this thread looks again. Decided under the lock: no bell rings between looking and leaving."""
        with self._change:
            line = self._lines[name]
            if not self._stopping and (done or line.called):
                line.called = line.called and bool(done)
                return True
            line.working -= 1
            self._change.notify_all()
            return False

    def _leave(self, name: str) -> None:
        with self._change:
            self._lines[name].working -= 1
            self._change.notify_all()


def _step_back() -> None:
    """Let everybody else go first, for as long as this thread lives: only Linux knows a niceness for each thread."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), PATIENT_NICENESS)
