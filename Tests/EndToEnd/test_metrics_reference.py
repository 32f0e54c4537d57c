"""Every metric that the sources make stands in docs/metrics.md, and nothing else does."""

import os
import re
import subprocess

from harness.fluidity import ROOT


def test_the_tables_are_in_step(binary):
    checked = subprocess.run(
        [ROOT / "scripts/metrics-reference", "--check"], env={**os.environ, "FLUIDITY_BIN": str(binary)}, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_no_name_is_missed():
    # Examples in comments are of stages that others write.
    sources = [re.sub(r"^ *//.*$", "", path.read_text(), flags=re.MULTILINE) for path in (ROOT / "Sources").rglob("*.swift")]
    made = {name for text in sources for name in re.findall(r'"((?:fluidity|process)_[a-z_]+[a-z])"', text)}
    told = set(re.findall(r"^\| `(\w+)`", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE))
    told = {name for name in told if name.startswith(("fluidity_", "process_"))}
    assert told == made
