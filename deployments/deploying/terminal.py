"""What is said to whoever runs the program, and what is asked."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import threading
import time
from contextlib import contextmanager

#: Exit statuses, as `fluidity` has them (sysexits).
USAGE, DATA, UNAVAILABLE = 64, 65, 69


class Failed(Exception):
    """The program can't go on: why, and what to do about it."""

    def __init__(self, message: str, status: int = UNAVAILABLE):
        super().__init__(message)
        self.status = status


class Terminal:
    """Progress goes to standard output, one line each, at once. On a terminal the row below the last line says what is waited for."""

    #: Goes to the row's beginning and empties it.
    TAKE_BACK = "\r\x1b[K"

    def __init__(self, dry: bool = False, agreed: bool = False):
        #: Nothing is changed, only told.
        self.dry = dry
        #: Every question is answered with yes.
        self.agreed = agreed
        #: Whether standard output can take back what it shows.
        self.is_screen = sys.stdout.isatty() and os.environ.get("TERM", "") not in ("", "dumb")
        self._lock = threading.Lock()
        #: What is waited for at this moment, and since when.
        self._status: str | None = None
        self._since = 0.0

    def say(self, text: str):
        self._line(f"== {text}")

    def tell(self, text: str):
        self._line(f"   {text}")

    def _line(self, text: str):
        """A line that stays, above the row that doesn't."""
        with self._lock:
            if self._status is not None:
                sys.stdout.write(self.TAKE_BACK)
            sys.stdout.write(f"{text}\n")
            self._show()
            sys.stdout.flush()

    @contextmanager
    def waiting(self, what: str):
        """Says on a terminal, each second, what is waited for, until the block ends. `status` changes it. Elsewhere nothing is said: the lines
        do that."""
        if not self.is_screen:
            yield
            return
        over = threading.Event()
        self._since = time.monotonic()
        self.status(what)
        clock = threading.Thread(target=self._tick, args=(over,), daemon=True)
        clock.start()
        try:
            yield
        finally:
            over.set()
            clock.join()
            with self._lock:
                self._status = None
                sys.stdout.write(self.TAKE_BACK)
                sys.stdout.flush()

    def status(self, what: str):
        """What is waited for is another thing now."""
        if not self.is_screen:
            return
        with self._lock:
            if self._status is not None:
                sys.stdout.write(self.TAKE_BACK)
            self._status = what
            self._show()
            sys.stdout.flush()

    def _tick(self, over: threading.Event):
        while not over.wait(1):
            with self._lock:
                sys.stdout.write(self.TAKE_BACK)
                self._show()
                sys.stdout.flush()

    def _show(self):
        """In a row that is too long the terminal would begin another, which can't be taken back."""
        if self._status is None:
            return
        width = shutil.get_terminal_size().columns - 1
        text = "".join(each if each.isprintable() else "?" for each in f"{self._status} ({int(time.monotonic() - self._since)} s) …")
        sys.stdout.write(text if len(text) <= width else text[: max(0, width - 1)] + "…")

    def would(self, command: list[str]):
        """A command that a dry run leaves out."""
        self.tell(f"would run: {shlex.join(command)}")

    def agree(self, question: str) -> bool:
        """Whether the user wants it. Where nobody can be asked, that has to be said beforehand."""
        if self.agreed:
            return True
        if not sys.stdin.isatty():
            raise Failed(f"nobody is there to be asked '{question}': say --yes to go on without questions", USAGE)
        return input(f"{question} [y/N] ").strip().lower().startswith("y")
