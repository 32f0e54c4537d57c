"""Child processes: started in a session of their own, output kept in files, ended in all cases."""

import asyncio
import ctypes
import os
import signal
import subprocess
from pathlib import Path

from .waiting import PATIENCE, eventually, wait_until

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1

# Without what this suite itself is steered by.
# With this set, agents lose their connections all the time.
LIFETIME = "FLUIDITY_TEST_TUNNEL_LIFETIME"
CLEAN_ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("FLUIDITY_") or name == LIFETIME}


def _die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # A suite that a shell runs in the background ignores SIGINT, and so would its children.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Process:
    """A long-running program. Its standard output and error go to one file, `output`; standard error elsewhere, if there are `errors`."""

    #: Every process of this run, oldest first, for reports on failed tests.
    started: list["Process"] = []

    def __init__(self, name: str, command: list, place: Path, environment: dict | None = None, cwd: Path | None = None, errors: int | None = None):
        self.name = name
        self.command = [str(part) for part in command]
        place.mkdir(parents=True, exist_ok=True)
        self.output = place / f"{name}-{len(Process.started)}.log"
        with open(self.output, "wb") as file:
            self._child = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT if errors is None else errors,
                env={**CLEAN_ENVIRONMENT, **(environment or {})},
                cwd=cwd,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        Process.started.append(self)

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def alive(self) -> bool:
        return self._child.poll() is None

    @property
    def status(self) -> int | None:
        """The exit status, negative for a signal, or None while it runs."""
        return self._child.poll()

    def text(self) -> str:
        return self.output.read_text(errors="replace")

    def tail(self, lines: int = 15) -> str:
        return "\n".join(self.text().splitlines()[-lines:])

    def wait_for_line(self, words: str, within: float = 15):
        """Waits until the output contains `words`; a process that ends before is an error at once."""

        def seen():
            if words in self.text():
                return True
            if not self.alive:
                raise AssertionError(f"{self.name} ended with status {self.status}:\n{self.tail()}")
            return False

        wait_until(seen, within, lambda: f"{self.name} prints {words!r}; it printed:\n{self.tail()}")

    def signal(self, number: int):
        self._child.send_signal(number)

    async def ended(self, within: float) -> int:
        """Waits for the end and returns the exit status."""
        await eventually(lambda: not self.alive, within, lambda: f"{self.name} ends; it printed:\n{self.tail()}")
        return self._child.returncode

    def kill(self):
        """Ends the process and everything in its group at once. Harmless when it has ended."""
        try:
            os.killpg(self._child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._child.wait()


class Finished:
    """What a short-lived program left behind."""

    def __init__(self, status: int, output: bytes, errors: bytes):
        self.status = status
        self.output = output
        self.errors = errors

    @property
    def text(self) -> str:
        """Output and errors together."""
        return (self.output + self.errors).decode(errors="replace")


async def run(*command, within: float = 60, stdin: bytes | None = b"", environment: dict | None = None, cwd=None) -> Finished:
    """Runs a short-lived program while the event loop goes on. `stdin=None` leaves its input open but silent."""
    child = await asyncio.create_subprocess_exec(
        *[str(part) for part in command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**CLEAN_ENVIRONMENT, **(environment or {})},
        cwd=cwd,
        start_new_session=True,
        preexec_fn=_die_with_parent,
    )
    try:
        if stdin is None:
            gathering = asyncio.gather(child.stdout.read(), child.stderr.read(), child.wait())
            output, errors, _ = await asyncio.wait_for(gathering, within * PATIENCE)
        else:
            output, errors = await asyncio.wait_for(child.communicate(stdin), within * PATIENCE)
        return Finished(child.returncode, output, errors)
    finally:
        if child.returncode is None:
            os.killpg(child.pid, signal.SIGKILL)
            await child.wait()


async def curl(*arguments, within: float = 60) -> Finished:
    """curl without the user's settings and without the environment's proxies."""
    unproxied = {name: "" for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY")}
    return await run("curl", "-q", "-sS", *arguments, within=within, environment=unproxied)


def quiet(pid: int):
    """Whether a process has used no processor time for a while, of which each call is a look."""
    seen: list[int] = []

    def used() -> bool:
        seen.append(sum(map(int, Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13])))
        return len(seen) > 20 and seen[-1] - seen[-20] <= 1

    return used
