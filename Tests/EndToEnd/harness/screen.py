"""A pseudo terminal, and what somebody before it has seen."""

import os
import pty
import re
import subprocess


class Screen:
    """A program at a terminal, and the rows that somebody there has seen."""

    def __init__(self, *command, terminal_name: str = "xterm", environment: dict = {}):
        self.master, terminal = pty.openpty()
        self.child = subprocess.Popen([str(part) for part in command], stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True, env={**os.environ, **environment, "TERM": terminal_name})
        os.close(terminal)
        os.set_blocking(self.master, False)
        self.rows: list[str] = []
        self.row = ""
        #: Every text that stood on the last row without an end.
        self.statuses: list[str] = []
        self._bytes = b""

    def look(self):
        try:
            while part := os.read(self.master, 1 << 16):
                self._bytes += part
        except (BlockingIOError, OSError):
            pass
        text, self._bytes = self._bytes.decode(errors="ignore"), b""
        for piece in re.split(r"(\r\n|\n|\r\x1b\[K)", text):
            if piece in ("\r\n", "\n"):
                self.rows.append(self.row)
                self.row = ""
            elif piece == "\r\x1b[K":
                if self.row:
                    self.statuses.append(self.row)
                self.row = ""
            else:
                self.row += piece
        return self

    def shows(self, words: str) -> bool:
        self.look()
        return words in self.row or any(words in status for status in self.statuses)

    def close(self):
        self.child.kill()
        self.child.wait(20)
        os.close(self.master)
