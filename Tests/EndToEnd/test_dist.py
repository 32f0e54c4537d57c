"""`make install` and `make dist`: what is in a package, that it works, and that it is the same each time."""

import hashlib
import os
import plistlib
import re
import shutil
import stat
import subprocess

import pytest

from harness.fluidity import ROOT, find_binary
from harness.processes import run

pytestmark = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="there is no Debian to package for")

RPMBUILD = shutil.which("rpmbuild")


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """The packages, made twice."""
    folders = [tmp_path_factory.mktemp("dist") / "out" for _ in range(2)]
    for folder in folders:
        environment = {**os.environ, "DIST_OUT": str(folder), "DIST_COMPRESSION": "fast", "FLUIDITY_PROGRAM": str(find_binary())}
        subprocess.run([ROOT / "scripts/dist"], env=environment, check=True, capture_output=True, timeout=300)
    return folders


@pytest.fixture(scope="module")
def debian(packages, tmp_path_factory):
    """What the Debian package puts on a machine."""
    (package,) = packages[0].glob("*.deb")
    root = tmp_path_factory.mktemp("root")
    subprocess.run(["dpkg-deb", "-x", package, root], check=True)
    return package, root


def test_the_same_bytes(packages):
    names = sorted(path.name for path in packages[0].iterdir())
    assert len(names) == 5 + bool(RPMBUILD), names
    for name in names:
        first, second = (hashlib.sha256((folder / name).read_bytes()).hexdigest() for folder in packages)
        assert first == second, name
    sums = dict(reversed(line.split()) for line in (packages[0] / "SHA256SUMS").read_text().splitlines())
    assert sums == {name: hashlib.sha256((packages[0] / name).read_bytes()).hexdigest() for name in names if name != "SHA256SUMS"}


async def test_the_program_runs(debian):
    package, root = debian
    version = await run(root / "usr/bin/fluidity", "--version", within=20)
    assert version.status == 0
    fields = subprocess.check_output(["dpkg-deb", "-f", package], text=True)
    assert f"Version: {version.output.decode().strip()}" in fields
    needed = re.search(r"libc6 \(>= ([0-9.]+)\)", fields)
    # Debian 12 has 2.36.
    assert needed and tuple(map(int, needed[1].split("."))) <= (2, 36), fields


async def test_every_command_has_a_page(debian):
    _, root = debian
    helped = await run(root / "usr/bin/fluidity", "--help", within=20)
    commands = re.findall(r"^  ([a-z-]+)(?:,| )", "".join(re.findall(r"SUBCOMMANDS:\n((?:  .*\n)+)", helped.output.decode())), re.MULTILINE)
    assert len(commands) > 15
    for command in commands:
        page = subprocess.check_output(["zcat", root / f"usr/share/man/man1/fluidity-{command}.1.gz"], text=True)
        assert page.startswith(".TH FLUIDITY") and ".SH SYNOPSIS" in page, command
        assert all(not line.startswith("'") for line in page.splitlines()), command


def test_units_name_the_program_where_it_is(debian):
    _, root = debian
    units = list((root / "lib/systemd").rglob("*.service"))
    assert {unit.relative_to(root / "lib/systemd").as_posix() for unit in units} == {
        "user/fluidity-agent.service", *(f"system/fluidity-{host}.service" for host in ("agent", "server", "control"))}
    for unit in units:
        start = re.search(r"^ExecStart=(\S+)", unit.read_text(), re.MULTILINE)[1]
        assert os.access(root / start.lstrip("/"), os.X_OK), unit
    sockets = {unit.relative_to(root / "lib/systemd").as_posix() for unit in (root / "lib/systemd").rglob("*.socket")}
    assert sockets == {"user/fluidity-agent.socket", "system/fluidity-agent.socket", "system/fluidity-server.socket"}
    launchd = plistlib.loads((root / "usr/share/doc/fluidity/launchd/fluidity.agent.plist").read_bytes())
    assert launchd["ProgramArguments"] == ["/usr/bin/fluidity", "agent"]
    assert launchd["StandardErrorPath"] == "@HOME@/Library/Logs/fluidity-agent.log", "no folder that others write into"


def test_nothing_is_others_to_write(debian):
    _, root = debian
    for path in [root, *root.rglob("*")]:
        assert not path.lstat().st_mode & (stat.S_IWOTH | stat.S_ISUID | stat.S_ISGID) or path.is_symlink(), path


@pytest.mark.skipif(not RPMBUILD, reason="needs rpmbuild")
def test_the_rpm(packages, debian):
    """It has what the Debian package has, and nothing that installing would have to make."""
    (package,) = packages[0].glob("*.rpm")

    def ask(*options):
        return subprocess.check_output(["rpm", "--query", "--package", *options, package], text=True)

    assert ask("--queryformat", "%{NAME} %{LICENSE} %{BUILDHOST}") == "fluidity Apache-2.0 localhost"
    files = set(ask("--list").splitlines())
    _, root = debian
    needed = {f"/{path.relative_to(root)}".replace("/lib/systemd", "/usr/lib/systemd", 1) for path in root.rglob("*") if path.is_file() and path.name != "copyright"}
    assert needed <= files, needed - files
    assert {line.split()[-1] for line in ask("--list", "--verbose").splitlines() if "rwxr-x---" in line} == {"/etc/fluidity", "/var/lib/fluidity"}
    scripts = ask("--scripts")
    assert "useradd --system" in scripts and "enable" not in scripts.replace("disable", ""), scripts
    # What is removed leaves what people have made, as those are no files of the package.
    assert not [file for file in files if file.startswith(("/etc/fluidity/", "/var/lib/fluidity/"))]


async def test_install_twice(tmp_path):
    environment = {"PREFIX": "/opt/fluidity", "DESTDIR": str(tmp_path / "a place"), "FLUIDITY_PROGRAM": str(find_binary())}
    for _ in range(2):
        done = await run(ROOT / "scripts/install", within=60, environment=environment)
        assert done.status == 0, done.text
    program = tmp_path / "a place/opt/fluidity/bin/fluidity"
    assert (await run(program, "--version", within=20)).status == 0
    assert sorted(path.name for path in program.parent.iterdir()) == ["fluidity"]
    for completion in ("bash-completion/completions/fluidity", "zsh/site-functions/_fluidity", "fish/vendor_completions.d/fluidity.fish"):
        assert "ssh-proxy" in (program.parents[1] / "share" / completion).read_text()
