"""Ports for processes that must be told theirs."""

import os
import random
import socket

# Below the range from which the kernel takes ports for outgoing connections, so that none of those gets in the way. Test processes that run
# beside each other each have a part of it.
_WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_CANDIDATES = range(20000, 32000)[_WORKER::_WORKERS]
_given: set[int] = set()


def free_port() -> int:
    """A loopback port that nobody listens on and that this run has not given out before."""
    while True:
        port = random.choice(_CANDIDATES)
        if port in _given:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port


def accepts(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a connection to the port is accepted at this moment."""
    try:
        socket.create_connection((host, port), timeout=2).close()
        return True
    except OSError:
        return False
