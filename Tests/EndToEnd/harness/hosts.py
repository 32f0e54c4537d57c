"""Names that only one process knows: it runs in a mount namespace of its own, with its own `/etc/hosts`."""

from pathlib import Path

import pytest

from .processes import run


class Hosts:
    """A file of hosts. What is written to it later counts at once: the resolver reads it for each question."""

    def __init__(self, path: Path):
        self.path = path
        self.say({})

    def say(self, names: dict[str, list[str]]):
        """Every name with its addresses, in the order in which they are to be found."""
        lines = ["127.0.0.1 localhost", *(f"{address} {name}" for name, addresses in names.items() for address in addresses)]
        # In place: the file that is mounted is this very one.
        self.path.write_text("\n".join(lines) + "\n")

    def around(self, *command) -> list:
        return ["unshare", "--mount", "--map-root-user", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', self.path, *command]


async def own_hosts(folder: Path) -> Hosts:
    """Skips the test where no namespace can be made."""
    hosts = Hosts(folder / "hosts")
    try:
        allowed = await run(*hosts.around("true"))
    except FileNotFoundError:
        pytest.skip("no unshare here")
    if allowed.status != 0:
        pytest.skip(f"no namespace of its own here: {allowed.text}")
    return hosts
