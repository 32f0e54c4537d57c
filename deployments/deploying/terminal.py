"""What is said to whoever runs the program, and what is asked."""

from __future__ import annotations

import shlex
import sys

#: Exit statuses, as `fluidity` has them (sysexits).
USAGE, DATA, UNAVAILABLE = 64, 65, 69


class Failed(Exception):
    """The program can't go on: why, and what to do about it."""

    def __init__(self, message: str, status: int = UNAVAILABLE):
        super().__init__(message)
        self.status = status


class Terminal:
    """Progress goes to standard output, one line each, at once."""

    def __init__(self, dry: bool = False, agreed: bool = False):
        #: Nothing is changed, only told.
        self.dry = dry
        #: Every question is answered with yes.
        self.agreed = agreed

    def say(self, text: str):
        print(f"== {text}", flush=True)

    def tell(self, text: str):
        print(f"   {text}", flush=True)

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
