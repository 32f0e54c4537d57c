"""Pipes whose reader stops."""

import os


class FullPipe:
    """A pipe that takes nothing, for it is full and nobody reads from it, until `read` is called or `leave`."""

    def __init__(self, blocking: bool = True):
        self.reading, self.writing = os.pipe()
        os.set_blocking(self.reading, False)
        os.set_blocking(self.writing, False)
        self._filler = 0
        try:
            while True:
                self._filler += os.write(self.writing, b"-" * 4096)
        except BlockingIOError:
            pass
        os.set_blocking(self.writing, blocking)
        self._text = b""

    def read(self) -> list[str]:
        """The lines that have been written so far, beside what filled the pipe."""
        try:
            while data := os.read(self.reading, 1 << 16):
                self._text += data
        except BlockingIOError:
            pass
        return self._text[self._filler :].decode(errors="replace").split("\n")[:-1]

    def leave(self):
        """The reader goes: writing is an error from now on."""
        os.close(self.reading)
        self.reading = -1

    def close(self):
        for end in (self.reading, self.writing):
            if end >= 0:
                os.close(end)
