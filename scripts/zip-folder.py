"""Packs a folder's files into a zip whose bytes depend on nothing but theirs: zip-folder.py FOLDER ZIP"""

import sys
import zipfile
from pathlib import Path

folder, target = Path(sys.argv[1]), Path(sys.argv[2])
with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        entry = zipfile.ZipInfo(str(path.relative_to(folder)), (1980, 1, 1, 0, 0, 0))
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = (0o100755 if path.stat().st_mode & 0o100 else 0o100644) << 16
        archive.writestr(entry, path.read_bytes())
