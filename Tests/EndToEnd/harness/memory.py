"""Resident memory of other processes, in bytes."""

from pathlib import Path

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
