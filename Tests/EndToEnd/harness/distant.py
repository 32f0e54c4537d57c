"""A server far away: two network namespaces, joined by a link with delay, rate and loss, and what runs in each.

As a program: `distant.py origin HOST PORT` answers GET /big with more than anybody reads and anything else with 1,000 bytes;
`distant.py fetch PROXY_HOST PROXY_PORT URL DOWNLOADS SECONDS` downloads so much at once, then says how long small GETs took beside that."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

NEAR, FAR = "10.9.0.1", "10.9.0.2"
ORIGIN, SERVER, AGENT = 8080, 8443, 8101


def is_possible() -> bool:
    return os.geteuid() == 0 and os.path.exists("/dev/net/tun")


class Link:
    """The namespaces and the link, as a context."""

    def __init__(self, directory: Path, loss: float = 0):
        self.tool, self.loss = directory / "link", loss
        source = Path(__file__).resolve().parents[3] / "Benchmarks/tools/link.c"
        subprocess.run(["cc", "-O2", "-o", self.tool, source], check=True)
        self.names = [f"fluidity-test-{side}-{os.getpid()}" for side in ("near", "far")]
        self.processes: list[subprocess.Popen] = []

    def __enter__(self):
        for name in self.names:
            subprocess.run(["ip", "netns", "add", name], check=True)
        link = subprocess.Popen(
            [self.tool, "-d", "40", "-r", "100", "-l", str(self.loss), *self.names], stdout=subprocess.PIPE, text=True)
        self.processes.append(link)
        assert link.stdout.readline().startswith("link: up")
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.kill()
            process.wait()
        for name in self.names:
            subprocess.run(["ip", "netns", "delete", name], check=False)

    def run(self, side: int, *command, **more) -> subprocess.Popen:
        process = subprocess.Popen(["ip", "netns", "exec", self.names[side], *map(str, command)], **more)
        self.processes.append(process)
        return process

    def site(self):
        """The origin, once it listens."""
        self.run(1, sys.executable, __file__, "origin", FAR, ORIGIN)
        self.wait(1, FAR, ORIGIN)

    def wait(self, side: int, host: str, port: int):
        script = f"import socket; socket.create_connection(({host!r}, {port}), 1)"
        deadline = time.monotonic() + 20
        while subprocess.run(
            ["ip", "netns", "exec", self.names[side], sys.executable, "-c", script], stderr=subprocess.DEVNULL).returncode:
            assert time.monotonic() < deadline, f"nobody listens on {host}:{port}"
            time.sleep(0.1)

    def fetch(self, downloads: int, seconds: float) -> dict:
        """What small GETs beside downloads took, and what came of the latter."""
        url = f"http://{FAR}:{ORIGIN}"
        client = self.run(
            0, sys.executable, __file__, "fetch", NEAR, AGENT, url, downloads, seconds, stdout=subprocess.PIPE, text=True)
        return json.loads(client.communicate(timeout=120)[0])

    def connections(self) -> list[int]:
        """The bytes that each connection between agent and server has brought, the most first."""
        out = subprocess.run(
            ["ip", "netns", "exec", self.names[0], "ss", "-tinH", "state", "established", "dport", "=", f":{SERVER}"],
            capture_output=True, text=True, check=True).stdout
        received = [word.removeprefix("bytes_received:") for word in out.split() if word.startswith("bytes_received:")]
        return sorted(map(int, received), reverse=True)


def origin(host: str, port: int):
    def serve(client: socket.socket):
        try:
            while head := client.recv(4096):
                if b"/big" in head:
                    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
                    while True:
                        client.sendall(bytes(1 << 18))
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + bytes(1000))
        except OSError:
            pass

    listener = socket.create_server((host, port), backlog=100)
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()


def fetch(host: str, port: int, url: str, downloads: int, seconds: float):
    counts = [0] * downloads

    def ask(path: str) -> socket.socket:
        client = socket.create_connection((host, port))
        client.settimeout(30)
        client.sendall(f"GET {url}{path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        return client

    def download(index: int):
        client = ask("/big")
        while data := client.recv(1 << 18):
            counts[index] += len(data)

    for index in range(downloads):
        threading.Thread(target=download, args=(index,), daemon=True).start()
    time.sleep(seconds)
    took, began = [], time.monotonic()
    while time.monotonic() - began < seconds:
        start, data = time.monotonic(), b""
        with ask("/small") as client:
            while len(data.partition(b"\r\n\r\n")[2]) < 1000:
                if not (more := client.recv(4096)):
                    raise ConnectionError("the end")
                data += more
        took.append(time.monotonic() - start)
    print(json.dumps({"took": took, "downloads": counts}), flush=True)
    os._exit(0)


if __name__ == "__main__":
    if sys.argv[1] == "origin":
        origin(sys.argv[2], int(sys.argv[3]))
    else:
        fetch(sys.argv[2], int(sys.argv[3]), sys.argv[4], int(sys.argv[5]), float(sys.argv[6]))
