"""Prints how many tests of JUnit reports passed, failed and were skipped: count-tests.py LABEL FILE…

The status is 1 when a test failed, and when there is no report or no test in it: a run that stopped before its end."""

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def count(files: list[Path]) -> dict[str, int]:
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for file in files:
        for case in ElementTree.parse(file).getroot().iter("testcase"):
            if case.find("failure") is not None or case.find("error") is not None:
                counts["failed"] += 1
            elif case.find("skipped") is not None:
                counts["skipped"] += 1
            else:
                counts["passed"] += 1
    return counts


def main() -> int:
    label, files = sys.argv[1], [file for file in map(Path, sys.argv[2:]) if file.exists()]
    counts = count(files)
    if not sum(counts.values()):
        print(f"{label}: no report, the run stopped before its end", file=sys.stderr)
        counts["failed"] = 1
    print(f"{label}: " + ", ".join(f"{number} {what}" for what, number in counts.items()))
    return 1 if counts["failed"] else 0


sys.exit(main())
