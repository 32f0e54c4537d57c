"""usage: check-docstrings.py
Finds public types and functions that have no documentation comment. Left out is what is documented elsewhere: what a protocol wants, and
factories and configurations, which have sentences for people in their references and schemas. Properties may say it all by their names.
"""

import re
import sys
from pathlib import Path

DECLARATION = re.compile(r"^(\s*)(?:@[\w.]+(?:\([^)]*\))? )*(?:public|open) (?:(?:static|final|override|mutating|indirect|internal\(set\)|package\(set\)|private\(set\)) )*(struct|class|enum|protocol|func) (\w+)")
# What the protocols of stages and of Swift ask for: explained there, once.
WITNESSES = set("make traits validate problems decode metered assemble open start drain stop claim status hash encode reopenFiles".split())


def undocumented(file: Path):
    lines = file.read_text().splitlines()
    for index, line in enumerate(lines):
        found = DECLARATION.match(line)
        if not found or "override" in found[0] or found[3] in WITNESSES or found[3].endswith(("Factory", "Configuration")):
            continue
        above = index - 1
        while above >= 0 and lines[above].strip().startswith("@"):
            above -= 1
        if above < 0 or not lines[above].strip().startswith("///"):
            yield f"{file}:{index + 1}: '{found[3]}' is public and has no documentation comment"


missing = [each for file in sorted(Path("Sources").rglob("*.swift")) for each in undocumented(file)]
sys.exit("\n".join(missing) if missing else 0)
