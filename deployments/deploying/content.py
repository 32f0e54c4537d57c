"""What an image is made of: a folder with nothing else in it, and a tag that is the hash of its content."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import zipfile
from pathlib import Path

from .terminal import DATA, Failed

#: What of this folder goes into an image, as deployments/docker/Dockerfile copies it.
PARTS = ("Package.swift", "Package.resolved", "Sources", "Tests", "deployments/docker", "scripts/build-release")
#: What is never part of a package's image.
LEFT_OUT = {".build", ".git", ".swiftpm", ".DS_Store", "__pycache__", "run"}
#: What `fluidity stage new` writes for us.
DESCRIPTION = "deployment/package.json"


class Content:
    """Files by their path in a folder that an image is built from."""

    def __init__(self):
        self.files: dict[str, Path] = {}
        #: The Dockerfile's path in the folder, and what it is given.
        self.dockerfile = "deployments/docker/Dockerfile"
        self.arguments: dict[str, str] = {}

    def add(self, root: Path, parts: tuple[str, ...], below: str = ""):
        """The files of some parts of a folder, without what builds leave there."""
        for part in parts:
            place = root / part
            found = [place] if place.is_file() else sorted(place.rglob("*")) if place.is_dir() else []
            for file in found:
                inner = file.relative_to(root)
                if file.is_file() and not LEFT_OUT & set(inner.parts):
                    self.files[str(Path(below) / inner)] = file

    @property
    def tag(self) -> str:
        """The hash of every path, whether it can be run, and every byte; and of what the Dockerfile is given."""
        whole = hashlib.sha256()
        for path, file in sorted(self.files.items()):
            executable = bool(file.stat().st_mode & 0o100)
            whole.update(f"{path}\0{executable}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
        whole.update(json.dumps([self.dockerfile, self.arguments], sort_keys=True).encode())
        return whole.hexdigest()[:20]

    def lay(self, folder: Path):
        """Copies the files there."""
        for path, file in self.files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)

    def pack(self, archive: Path):
        """The same as a zip."""
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            for path, file in sorted(self.files.items()):
                entry = zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0))
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = (0o100755 if file.stat().st_mode & 0o100 else 0o100644) << 16
                packed.writestr(entry, file.read_bytes())


def of_this(root: Path) -> Content:
    """Fluidity itself."""
    content = Content()
    content.add(root, PARTS)
    return content


def of_package(package: Path, root: Path) -> Content:
    """A package with stages of one's own, and beside it this Fluidity: its build script, and its sources where the package
    takes them from a folder."""
    description = package / DESCRIPTION
    if not description.exists():
        raise Failed(f"{package} has no {DESCRIPTION}, which says what is deployed: 'fluidity stage new' writes one", DATA)
    try:
        said = json.loads(description.read_text(encoding="utf-8"))
        product = said["product"]
    except (ValueError, KeyError, TypeError) as error:
        raise Failed(f"{description} can't be used: {error!r}; it is an object with the key 'product'", DATA) from None
    if not isinstance(product, str) or not re.fullmatch(r"[A-Za-z0-9_-]+", product):
        raise Failed(f"{description}: 'product' is the name of the package's program, not {product!r}", DATA)
    content = Content()
    content.dockerfile = "package/deployment/Dockerfile"
    content.add(package, tuple(sorted(each.name for each in package.iterdir())), "package")
    content.add(root, PARTS, "fluidity")
    content.arguments["PRODUCT"] = product
    # A folder is where the package says that it is, in the image too.
    if found := re.search(r"\.package\(name: \"fluidity\", path: \"([^\"]+)\"\)", (package / "Package.swift").read_text(encoding="utf-8")):
        content.arguments["FLUIDITY"] = found[1]
    if content.dockerfile not in content.files:
        raise Failed(f"{package} has no deployment/Dockerfile: 'fluidity stage new' writes one", DATA)
    return content
