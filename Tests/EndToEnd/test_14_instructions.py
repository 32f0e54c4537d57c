"""Proof 14: how many instructions a GET, a tunnel and a MiB take, of agent and server.

They are counted by Benchmarks/instructions in a processor that Callgrind plays: whatever else a machine does, they are the same to half a
per cent. Where nothing but perf can count, the figures are others, and have thresholds only if somebody has saved them there.

The thresholds in Benchmarks/instructions.json may be exceeded by what they were seen to vary by and two per cent more. Who needs fewer,
or has a reason to need more, saves new ones with `Benchmarks/instructions --save` and says why.
"""

import json
import sys

import pytest

from harness.fluidity import ROOT, find_binary
from harness.processes import run

NOTHING_TO_COUNT_WITH = 69
pytestmark = pytest.mark.alone


async def test_instructions(record_property):
    counted = await run(sys.executable, ROOT / "Benchmarks/instructions", "--fluidity", find_binary(), "--json", within=180)
    if counted.status == NOTHING_TO_COUNT_WITH:
        pytest.skip(counted.text)
    assert counted.output, counted.text
    result = json.loads(counted.output)
    for entry in result["counts"]:
        record_property(f"{entry['end']}: instructions {entry['work']}", entry["instructions"])
    if not any("threshold" in entry for entry in result["counts"]):
        pytest.skip(f"Benchmarks/instructions.json has no thresholds for {result['kind']}")
    over = [
        f"{entry['end']}, {entry['work']}: {entry['instructions']:,} instructions, where {entry['threshold']:,} are expected and {entry['allowed']:,} allowed"
        for entry in result["counts"]
        if entry["instructions"] > entry["allowed"]
    ]
    assert not over, "\n".join(over)
    assert counted.status == 0, counted.text
