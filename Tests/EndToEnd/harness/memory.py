"""Resident memory of other processes, in bytes."""

import json
import sys
from pathlib import Path

from .processes import run

MiB = 1 << 20
KiB = 1 << 10


def _status(pid: int, field: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * KiB
    raise AssertionError(f"process {pid} has no {field}")


def resident(pid: int) -> int:
    return _status(pid, "VmRSS")


class Growth:
    """The most that a process has grown since this was made. The kernel keeps the peak, so nothing is missed between samples."""

    def __init__(self, pid: int):
        self._pid = pid
        Path(f"/proc/{pid}/clear_refs").write_text("5")
        self._before = resident(pid)

    def peak(self) -> int:
        return _status(self._pid, "VmHWM") - self._before


#: `session-memory` as it is by default.
MEMORY = 32 * MiB
#: What an open stream may cost beside it: an exchange, and a connection to an origin or a client.
STREAM = 16 * KiB
#: What a process needs once: buffers of the connections to its peer, memory that the allocator keeps.
ONCE = 16 * MiB


def allowed(streams: int) -> int:
    return MEMORY + ONCE + streams * STREAM


class Measured:
    """A process that hostile peers may make grow by so much only."""

    def __init__(self, process, record_property):
        self.process = process
        self._record = record_property
        self._growth = Growth(process.pid)

    def check(self, streams: int):
        grown = self._growth.peak()
        self._record(f"{self.process.name} grew by MiB, of {allowed(streams) / MiB:.1f} allowed", round(grown / MiB, 1))
        assert grown <= allowed(streams), f"{self.process.name} grew by {grown / MiB:.1f} MiB, and {allowed(streams) / MiB:.1f} are allowed"
        assert self.process.alive


_MEASURING = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
json.dump({
    "status": done.returncode, "text": done.stdout.decode(errors="replace"),
    "peak": used.ru_maxrss * 1024, "seconds": used.ru_utime + used.ru_stime,
}, sys.stdout)
"""


class Cost:
    """What a short-lived program said, the most memory that it had, and the processor time that it took."""

    def __init__(self, status: int, text: str, peak: int, seconds: float):
        self.status = status
        self.text = text
        self.peak = peak
        self.seconds = seconds


async def cost(*command) -> Cost:
    """Runs a program beneath a small process: a child of this one would begin with this one's memory as its peak."""
    measured = await run(sys.executable, "-I", "-S", "-c", _MEASURING, *command)
    assert measured.status == 0, measured.text
    return Cost(**json.loads(measured.output))
