"""How many allocations a process makes, told apart by who makes them: the TLS library, which allocates for every record that it reads
or writes, and everything else, which is Fluidity, SwiftNIO and the language's runtime."""

import bisect
import struct
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .fluidity import ROOT

_PAIR = struct.Struct("=QQ")


def counter(folder: Path) -> Path:
    """The library that counts, compiled."""
    library = folder / "allocations.so"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, ROOT / "Benchmarks/allocations.c"], check=True)
    return library


@cache
def _symbols(binary: Path) -> tuple[list[int], list[str]]:
    lines = subprocess.run(["nm", "-n", binary], capture_output=True, text=True, check=True).stdout.splitlines()
    found = [(int(parts[0], 16), parts[2]) for parts in map(str.split, lines) if len(parts) == 3 and parts[1] in "tTwW"]
    assert any("BoringSSL" in name for _, name in found), "the binary has no symbols: nothing can be told apart"
    return [address for address, _ in found], [name for _, name in found]


@dataclass(frozen=True)
class Count:
    tls: int
    others: int

    def __sub__(self, other: "Count") -> "Count":
        return Count(self.tls - other.tls, self.others - other.others)


class Counted:
    """The counts of a process that was started with `environment`."""

    def __init__(self, library: Path, file: Path, binary: Path):
        self.file = file
        self.binary = binary.resolve()
        self.environment = {"LD_PRELOAD": str(library), "ALLOCATION_COUNT_FILE": str(file)}

    def now(self, pid: int) -> Count:
        base = min(int(line.split("-")[0], 16) for line in Path(f"/proc/{pid}/maps").read_text().splitlines() if line.endswith(str(self.binary)))
        addresses, names = _symbols(self.binary)
        tls = others = 0
        for caller, count in _PAIR.iter_unpack(self.file.read_bytes()):
            index = bisect.bisect(addresses, caller - base - 1) - 1
            if 0 <= index and caller - base < addresses[-1] and "BoringSSL" in names[index]:
                tls += count
            else:
                others += count
        return Count(tls, others)
