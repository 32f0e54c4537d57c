"""A server far away: two network namespaces, joined by a link with delay, rate and loss, and what runs in each.

As a program: `distant.py origin HOST PORT` answers GET /big with more than anybody reads and anything else with 1,000 bytes;
`distant.py fetch PROXY_HOST PROXY_PORT URL DOWNLOADS SECONDS` downloads so much at once, then says how long small GETs took beside that. `distant.py echo HOST PORT` sends back what it gets, and
`distant.py talk PROXY_HOST PROXY_PORT AUTHORITY SECONDS` has a talk with that through CONNECT, and says how long the longest pause was.
`distant.py upload PROXY_HOST PROXY_PORT URL SECONDS` sends as much as it can.
`distant.py ask PROXY_HOST PROXY_PORT URL REQUESTS TRANSFERS SECONDS` spreads so many small GETs and downloads of 1 MiB over the time, and says
of each download when it began, when its head came and whether all of it did, and of the small ones what came of them."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

NEAR, FAR = "10.9.0.1", "10.9.0.2"
ORIGIN, SERVER, AGENT, ECHO = 8080, 8443, 8101, 8007


def is_possible() -> bool:
    return os.geteuid() == 0 and os.path.exists("/dev/net/tun")


class Link:
    """The namespaces and the link, as a context."""

    def __init__(self, directory: Path, loss: float = 0, rate: float = 100, queue: int = 0, largest: int = 0, closed: int = 0):
        #: Packets that are larger, and those to that TCP port, are dropped without a word.
        self.drops = [*(["-m", str(largest)] if largest else []), *(["-p", str(closed)] if closed else [])]
        self.tool, self.loss, self.rate, self.queue = directory / "link", loss, rate, queue
        source = Path(__file__).resolve().parents[3] / "Benchmarks/tools/link.c"
        subprocess.run(["cc", "-O2", "-o", self.tool, source], check=True)
        self.names = [f"fluidity-test-{side}-{os.getpid()}" for side in ("near", "far")]
        self.processes: list[subprocess.Popen] = []

    def __enter__(self):
        for name in self.names:
            subprocess.run(["ip", "netns", "add", name], check=True)
        link = subprocess.Popen(
            [self.tool, "-d", "40", "-r", str(self.rate), "-l", str(self.loss), "-q", str(self.queue), *self.drops, *self.names], stdout=subprocess.PIPE, text=True)
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

    def stop(self, how: signal.Signals):
        """Nothing passes, and nobody is told, until it goes on."""
        self.processes[0].send_signal(how)

    def forget(self):
        """What stands in between knows the TCP connections of now no more: their packets are dropped, and nobody is told."""
        self.processes[0].send_signal(signal.SIGUSR1)

    def ip(self, side: int, *arguments: str):
        subprocess.run(["ip", "-n", self.names[side], *arguments], check=True)

    def echo(self):
        """The echo, once it listens."""
        self.run(1, sys.executable, __file__, "echo", FAR, ECHO)
        self.wait(1, FAR, ECHO)

    def talk(self, seconds: float) -> "Talking":
        return Talking(self.run(
            0, sys.executable, __file__, "talk", "127.0.0.1", AGENT, f"{FAR}:{ECHO}", seconds, stdout=subprocess.PIPE, text=True))

    def fill(self, seconds: float):
        """A download and an upload, for so long."""
        url = f"http://{FAR}:{ORIGIN}"
        self.run(0, sys.executable, __file__, "fetch", "127.0.0.1", AGENT, url, 1, seconds, stdout=subprocess.DEVNULL)
        self.run(0, sys.executable, __file__, "upload", "127.0.0.1", AGENT, url, seconds)

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

    def ask(self, requests: int, transfers: int, seconds: float, url: str) -> subprocess.Popen:
        """Begins to ask; `finished` has what came of it."""
        return self.run(
            0, sys.executable, __file__, "ask", NEAR, AGENT, url, requests, transfers, seconds, stdout=subprocess.PIPE, text=True)

    @staticmethod
    def finished(asking: subprocess.Popen, within: float) -> dict:
        return json.loads(asking.communicate(timeout=within)[0])

    def connections(self) -> list[int]:
        """The bytes that each connection between agent and server has brought, the most first."""
        out = subprocess.run(
            ["ip", "netns", "exec", self.names[0], "ss", "-tinH", "state", "established", "dport", "=", f":{SERVER}"],
            capture_output=True, text=True, check=True).stdout
        received = [word.removeprefix("bytes_received:") for word in out.split() if word.startswith("bytes_received:")]
        return sorted(map(int, received), reverse=True)


class Talking:
    def __init__(self, process: subprocess.Popen):
        self.process = process

    def result(self) -> dict:
        return json.loads(self.process.communicate(timeout=120)[0])


def echo(host: str, port: int):
    def serve(client: socket.socket):
        try:
            while data := client.recv(4096):
                client.sendall(data)
        except OSError:
            pass

    listener = socket.create_server((host, port), backlog=100)
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()


def talk(host: str, port: int, authority: str, seconds: float):
    """Numbers, one after the other, each sent when its time has come: what comes back are they, in their order."""
    with socket.create_connection((host, port)) as client:
        client.settimeout(60)
        client.sendall(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += client.recv(1)
        assert b" 200 " in head, head
        count = int(seconds * 5)
        sent = [0.0] * count

        def send():
            for number in range(count):
                sent[number] = time.monotonic()
                client.sendall(b"%d\n" % number)
                time.sleep(0.2)

        threading.Thread(target=send, daemon=True).start()
        back, longest, data = 0, 0.0, b""
        while back < count and (more := client.recv(4096)):
            *lines, data = (data + more).split(b"\n")
            for line in lines:
                assert int(line) == back, (line, back)
                longest = max(longest, time.monotonic() - sent[back])
                back += 1
    print(json.dumps({"longest": longest, "lost": count - back}), flush=True)
    os._exit(0)


def upload(host: str, port: int, url: str, seconds: float):
    until = time.monotonic() + seconds
    with socket.create_connection((host, port)) as client:
        client.sendall(f"POST {url}/up HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000\r\n\r\n".encode())
        while time.monotonic() < until:
            client.sendall(bytes(1 << 14))


def origin(host: str, port: int):
    def serve(client: socket.socket):
        try:
            while head := client.recv(4096):
                if b"/mebibyte" in head:
                    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n" + bytes(1 << 20))
                    continue
                if b"/big" in head:
                    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
                    while True:
                        client.sendall(bytes(1 << 18))
                if head.startswith(b"POST"):
                    while client.recv(1 << 16):
                        pass
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


def ask(host: str, port: int, url: str, requests: int, transfers: int, seconds: float):
    began = time.monotonic()

    def get(path: str, size: int, at: float) -> dict:
        time.sleep(max(0, began + at - time.monotonic()))
        result = {"began": time.monotonic(), "head": None, "exit": None, "status": 0, "whole": False}
        try:
            with socket.create_connection((host, port)) as client:
                client.settimeout(90)
                client.sendall(f"GET {url}{path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode())
                data = b""
                while b"\r\n\r\n" not in data and (more := client.recv(4096)):
                    data += more
                head, _, body = data.partition(b"\r\n\r\n")
                result |= {"head": time.monotonic(), "status": int(head.split(b" ")[1]) if b" " in head else 0}
                result["exit"] = next((line[8:].decode() for line in head.split(b"\r\n") if line.lower().startswith(b"x-exit: ")), None)
                got = len(body)
                while got < size and (more := client.recv(1 << 18)):
                    got += len(more)
                result["whole"] = got == size
                if result["status"] != 200:
                    result["text"] = body.decode(errors="replace")[:500]
        except OSError as error:
            result["error"] = str(error)
        return result | {"ended": time.monotonic()}

    with ThreadPoolExecutor(requests + transfers) as pool:
        small = [pool.submit(get, "/small", 1000, seconds * number / requests) for number in range(requests)]
        large = [pool.submit(get, "/mebibyte", 1 << 20, seconds * number / transfers) for number in range(transfers)]
        print(json.dumps({"small": [each.result() for each in small], "large": [each.result() for each in large]}), flush=True)


if __name__ == "__main__":
    what, host, port, *more = sys.argv[1:]
    match what:
        case "origin":
            origin(host, int(port))
        case "echo":
            echo(host, int(port))
        case "fetch":
            fetch(host, int(port), more[0], int(more[1]), float(more[2]))
        case "talk":
            talk(host, int(port), more[0], float(more[1]))
        case "ask":
            ask(host, int(port), more[0], int(more[1]), int(more[2]), float(more[3]))
        case "upload":
            upload(host, int(port), more[0], float(more[1]))
