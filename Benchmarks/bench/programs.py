"""The programs that are measured and those that measure: found, compiled or built."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys

from . import contestants
from .processes import Failed

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(HERE)
BUILT = os.path.join(".build", "release", "fluidity")
KEPT = os.path.join(ROOT, ".build-compare")  # Other commits: their source and build, and their programs.

PACKAGES = {
    "nginx": "nginx-light", "haproxy": "haproxy", "squid": "squid", "stunnel4": "stunnel4", "nghttpx": "nghttp2-proxy",
    "tinyproxy": "tinyproxy-bin", "apache2": "apache2-bin", "wrk": "wrk", "cc": "gcc", "ip": "iproute2", "ss": "iproute2"}


def require(programs, packages=()):
    """Names what is missing, by its packages: nothing is installed here."""
    needed = [PACKAGES.get(name, name) for name in programs if not shutil.which(contestants.program(name))]
    if needed := sorted({*needed, *packages}):
        raise Failed("missing: apt-get install --no-install-recommends " + " ".join(needed))


def compile_tool(name, directory, *libraries):
    path = os.path.join(directory, name)
    subprocess.run(
        ["cc", "-O2", "-Wall", "-o", path, os.path.join(HERE, "tools", f"{name}.c"), *libraries], check=True)
    return path


def fluidity(path=None):
    """The program of this work tree, or that at a path."""
    program = os.path.abspath(path or os.path.join(ROOT, BUILT))
    if not os.path.exists(program):
        raise Failed(f"{program} isn't there: make build")
    return program


def is_stale(program):
    """Whether it is this work tree's and something that it is made of has changed since."""
    if os.path.realpath(program) != os.path.realpath(os.path.join(ROOT, BUILT)):
        return False
    made = os.stat(program).st_mtime
    sources = (os.path.join(folder, name) for folder, _, names in os.walk(os.path.join(ROOT, "Sources")) for name in names)
    return any(os.stat(path).st_mtime > made for path in (os.path.join(ROOT, "Package.swift"), *sources))


def find(text):
    """A program by its path, or that of a commit, which is built where it hasn't been."""
    if os.path.isfile(text):
        return os.path.abspath(text)
    commit = git("rev-parse", "--verify", "--quiet", f"{text}^{{commit}}")
    if commit is None:
        raise Failed(f"{text} is neither a program nor a commit of {ROOT}")
    return of_commit(commit)


def of_commit(commit):
    program = os.path.join(KEPT, "programs", commit)
    os.makedirs(os.path.dirname(program), exist_ok=True)
    with exclusively(os.path.join(KEPT, "lock")):
        if not os.path.exists(program):
            built = build(commit)
            shutil.copy2(built, program + ".new")
            os.replace(program + ".new", program)
    return program


def build(commit):
    """A work tree that all commits share one after the other, so that what they have in common is compiled once."""
    source, log = os.path.join(KEPT, "source"), os.path.join(KEPT, "build.log")
    git("worktree", "prune")
    if os.path.exists(os.path.join(source, ".git")):
        made = git("-C", source, "checkout", "--quiet", "--force", "--detach", commit)
    else:
        made = git("worktree", "add", "--quiet", "--force", "--detach", source, commit)
    if made is None:
        raise Failed(f"{source} can't become a work tree of {commit}; remove it and try again")
    # Both with the same versions of what they depend on, so that only the commits differ.
    if os.path.exists(resolved := os.path.join(ROOT, "Package.resolved")):
        shutil.copy2(resolved, source)
    script = os.path.join(source, "scripts", "build-release")
    if not os.path.exists(script):
        raise Failed(f"{commit} has no scripts/build-release: build its program by hand and give the path")
    print(f"builds {commit[:12]} in {source}, the first time for many minutes; {log} says how far it is", file=sys.stderr, flush=True)
    with open(log, "w") as output:
        done = subprocess.run([script, "fluidity"], stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    program = os.path.join(source, BUILT)
    if done.returncode or not os.path.exists(program):
        errors = [line for line in open(log, errors="replace").read().splitlines() if line.strip()]
        raise Failed("\n".join([f"{commit[:12]} can't be built; the end of {log}:", *errors[-12:]]))
    return program


def git(*arguments):
    """What it prints, or None where it fails."""
    done = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


@contextlib.contextmanager
def exclusively(path):
    """One at a time: another that is under way is waited for."""
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
