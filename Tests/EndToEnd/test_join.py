"""`fluidity server --new`, `invite` and `join`: from nothing to the first byte, and who isn't let in."""

import asyncio
import base64
import hashlib
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from harness.browser import NEEDS_CHROMIUM, open_browser
from harness.certificate_requests import der, nested, wanted, wanted_with_large_key
from harness.client import fetch
from harness.ports import free_port
from harness.processes import Process, run
from harness.proxies import tinyproxy
from harness.waiting import eventually, wait_until

PROTOCOL = "fluidity-enrol/1"


class Desk:
    """A server that `server --new` has made, and what is done on its machine."""

    def __init__(self, binary, place, launch):
        self.binary, self.place, self.launch = binary, place, launch
        self.port = free_port()
        self.home = {"HOME": str(place), "XDG_CONFIG_HOME": ""}
        self.folder = place / "server"

    def start(self, *options):
        listen = f"127.0.0.1:{self.port}"
        self.process = Process(
            "new-server",
            [self.binary, "server", "--new", "--out", self.folder, "--listen", listen, "--set", "pipeline.fetch.destinations=any", *options],
            self.place, self.home)
        self.launch(self.process)
        self.process.wait_for_line("listening")
        return self

    async def stop(self):
        self.process.signal(signal.SIGTERM)
        assert await self.process.ended(within=20) == 0

    async def invite(self, name="laptop", *options) -> str:
        done = await run(self.binary, "invite", name, "--config", self.folder / "server.yaml", *options, within=20)
        assert done.status == 0, done.text
        return done.output.decode().split("fluidity join ")[1].strip()

    async def join(self, line, folder, *options):
        return await run(self.binary, "join", line, "--out", self.place / folder, *options, within=40, environment=self.home)

    def code(self, line: str) -> bytes:
        digits = line.removeprefix("fluidity-join-1.")
        return base64.urlsafe_b64decode(digits + "=" * (-len(digits) % 4))[32:48]

    def dial(self, protocol=PROTOCOL, source="127.0.0.1") -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=str(self.folder / "certs/ca.pem"))
        context.set_alpn_protocols([protocol])
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=60, source_address=(source, 0))
        return context.wrap_socket(plain, server_hostname="fluidity-server")

    def say(self, data: bytes, source="127.0.0.1") -> bytes:
        """What the server answers on a connection that enrols, until it ends."""
        with self.dial(source=source) as stream:
            answer = b""
            try:
                stream.sendall(data)
                while more := stream.recv(65536):
                    answer += more
            except (ConnectionError, ssl.SSLError):
                pass  # It had its say before it had read all.
            return answer

    def ask(self, code: bytes, request: bytes, more=b"", source="127.0.0.1") -> str:
        """The same for one who has a code; `more` is said right behind."""
        return self.say(b"enrol " + base64.b64encode(code) + b" " + base64.b64encode(request) + b"\n" + more, source).decode()


@pytest.fixture
def desk(binary, tmp_path, launch):
    return Desk(binary, tmp_path, launch).start()


async def test_three_commands(desk, binary, origin, launch, tmp_path):
    @origin.on("/")
    async def ok(exchange):
        await exchange.respond(200, body=b"first byte")

    line = await desk.invite()
    port = free_port()
    joined = await desk.join(line, "agent", "--listen", f"127.0.0.1:{port}")
    assert joined.status == 0, joined.text
    agent = Process("joined-agent", [binary, "agent", "--config", tmp_path / "agent/agent.yaml"], tmp_path)
    launch(agent)
    agent.wait_for_line("tunnel is up")
    assert (await fetch(port, origin.url("/"))).body == b"first byte"
    # It runs beside others' connections: who has a certificate comes in as before.
    certificate = x509.load_pem_x509_certificate((tmp_path / "agent/certs/laptop.pem").read_bytes())
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    for secret in ("agent/agent.yaml", "agent/certs/laptop-key.pem", "server/certs/ca-key.pem"):
        assert (tmp_path / secret).stat().st_mode & 0o077 == 0, secret
    assert desk.code(line) not in b"".join(path.read_bytes() for path in (desk.folder / "invitations").iterdir())
    assert desk.code(line).hex() not in " ".join(path.name for path in (desk.folder / "invitations").iterdir())


async def test_join_and_run(desk, binary, tmp_path, launch):
    """The agent that `--run` becomes ends as any other does."""
    port = free_port()
    line = await desk.invite()
    agent = Process("join-and-run", [binary, "join", line, "--out", tmp_path / "agent", "--listen", f"127.0.0.1:{port}", "--run"], tmp_path, desk.home)
    launch(agent)
    agent.wait_for_line("tunnel is up")
    agent.signal(signal.SIGTERM)
    assert await agent.ended(within=20) == 0


@NEEDS_CHROMIUM
async def test_a_browser_set_as_join_says(desk, binary, origin, launch, tmp_path):
    @origin.on("/")
    async def page(exchange):
        await exchange.respond(200, [("Content-Type", "text/html")], b"<title>first page</title>")

    line = await desk.invite()
    joined = await desk.join(line, "agent", "--listen", f"127.0.0.1:{free_port()}")
    assert joined.status == 0, joined.text
    proxy = re.search(r"In a browser, set the HTTP and the HTTPS proxy to (\S+)\.\n", joined.text)[1]
    agent = Process("joined-agent", [binary, "agent", "--config", tmp_path / "agent/agent.yaml"], tmp_path)
    launch(agent)
    agent.wait_for_line("tunnel is up")

    def title():
        # What is on this machine goes to no proxy otherwise.
        arguments = [f"--proxy-server=http={proxy};https={proxy}", "--proxy-bypass-list=<-loopback>"]
        browser = open_browser(tmp_path / "profile", arguments=arguments)
        try:
            browser.get(origin.url("/"))
            return browser.title
        finally:
            browser.quit()

    assert await asyncio.to_thread(title) == "first page"
    shown = await run(binary, "agents", "--config", desk.folder / "server.yaml", within=20)
    assert "active" in shown.text, shown.text


async def test_behind_a_proxy(desk, launch, tmp_path):
    proxy = launch(tinyproxy(tmp_path / "proxy", desk.port))
    joined = await desk.join(await desk.invite(), "agent", "--via", proxy.url())
    assert joined.status == 0, joined.text
    assert f"via: {proxy.url()}" in (tmp_path / "agent/agent.yaml").read_text().replace('"', "")
    assert str(desk.port) in proxy.log


async def test_a_line_counts_once(desk):
    line = await desk.invite()
    both = await asyncio.gather(*(desk.join(line, f"agent{number}") for number in range(2)))
    assert sorted(each.status for each in both) == [0, 69], [each.text for each in both]
    assert "was taken by another machine" in "".join(each.text for each in both)


async def test_an_answer_that_did_not_arrive(desk, tmp_path):
    """Whoever was interrupted joins with the same line and the same key."""
    line = await desk.invite()
    assert (await desk.join(line, "agent")).status == 0
    (tmp_path / "agent/agent.yaml").unlink()
    again = await desk.join(line, "agent")
    assert again.status == 0, again.text
    third = await desk.join(line, "agent")
    assert third.status == 69 and "has joined" in third.text, third.text


async def test_a_line_whose_time_is_over(desk):
    line = await desk.invite("laptop", "--valid", "1s")
    await asyncio.sleep(2.1)
    late = await desk.join(line, "agent")
    assert late.status == 69 and "ended on" in late.text, late.text


async def test_a_line_that_lost_a_letter(desk):
    line = await desk.invite()
    for broken in (line[:-1], line[:60] + line[61:], "laptop", line.replace("fluidity-join-1", "fluidity-join-9")):
        done = await desk.join(broken, "agent")
        assert done.status == 64 and "copy all of it" in done.text, done.text


async def test_another_server_answers(desk, binary, tmp_path, launch):
    """The line knows its server by the authority: one that has another isn't told the code."""
    other = Desk(binary, tmp_path / "other", launch)
    other.port = free_port()
    other.start()
    line = await desk.invite("laptop", "--server", f"127.0.0.1:{other.port}")
    done = await desk.join(line, "agent")
    assert done.status == 69 and "isn't the server of this invitation" in done.text, done.text
    assert "somebody asked" not in other.process.text()


REFUSALS = {
    "name": "for the name 'laptop', and the request is for another",
    "authority": "asks for extensions",
    "server": "asks for extensions",
    "names": "asks for extensions",
    "key": "of no kind that is certified here",
    "large-key": "no request for a certificate (PKCS #10), or its key can't be read",
    "no-request": "no request for a certificate",
    "nested": "no request for a certificate",
    "signature": "isn't signed with the key that it is for",
    "large": "too large",
    "large-request": "too large",
    "words": "no request of 'fluidity join'",
    "http": "no request of 'fluidity join'",
}


@pytest.mark.parametrize("what", REFUSALS)
async def test_what_is_asked_beyond(desk, origin, what):
    code = desk.code(await desk.invite())
    basic = x509.BasicConstraints(ca=True, path_length=None)
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    names = x509.SubjectAlternativeName([x509.DNSName("fluidity-server")])
    damaged = bytearray(wanted())
    damaged[-1] ^= 1
    # Whatever comes behind is served by nobody.
    more = f"GET {origin.url('/')} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    lines = {"large": b"enrol " + b"A" * 1_000_000, "words": b"hello you\n", "http": more}
    if line := lines.get(what):
        answer = (await asyncio.to_thread(desk.say, line + more)).decode()
    else:
        request = {
            "name": lambda: wanted("root"),
            "authority": lambda: wanted("laptop", None, basic),
            "server": lambda: wanted("laptop", None, usage),
            "names": lambda: wanted("laptop", None, names),
            "key": lambda: wanted("laptop", rsa.generate_private_key(65537, 2048)),
            "large-key": wanted_with_large_key,
            "no-request": lambda: b"\x30\x03\x02\x01\x00",
            "nested": lambda: nested(1_400),
            "signature": lambda: bytes(damaged),
            "large-request": lambda: der(0x30, b"\x05\x00" * 500_000),
        }[what]()
        answer = await asyncio.to_thread(desk.ask, code, request, more)
    assert answer.startswith("refused ") and REFUSALS[what] in answer and answer.count("\n") == 1, answer
    assert not origin.requests
    # What was refused hasn't spent the code.
    granted = await asyncio.to_thread(desk.ask, code, wanted())
    assert granted.startswith("granted "), granted


async def test_one_answer_and_the_end(desk):
    code = desk.code(await desk.invite())
    line = b"enrol " + base64.b64encode(code) + b" " + base64.b64encode(wanted()) + b"\n"
    answer = await asyncio.to_thread(desk.say, line + b"GET / HTTP/1.1\r\n\r\n" + line)
    assert answer.startswith(b"granted ") and answer.count(b"\n") == 1


async def test_a_slow_one_stops_nobody(desk):
    slow = [await asyncio.to_thread(desk.dial) for _ in range(40)]
    half = [socket.create_connection(("127.0.0.1", desk.port)) for _ in range(40)]
    try:
        assert (await desk.join(await desk.invite(), "agent")).status == 0
    finally:
        for stream in slow + half:
            stream.close()


async def test_a_certificate_is_needed_for_anything_else(desk):
    with pytest.raises((ssl.SSLError, ConnectionError)):
        with await asyncio.to_thread(desk.dial, "fluidity/1") as stream:
            stream.recv(1)


async def test_server_new_twice(desk, binary, tmp_path):
    """What is there stays: the authority of those who have joined, above all."""
    before = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in desk.folder.rglob("*.pem")}
    await desk.stop()
    desk.start()
    assert before == {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in desk.folder.rglob("*.pem")}


async def test_a_renewed_certificate(desk, binary, tmp_path):
    """Who joins is shown it, without a word to the server."""

    def shown():
        with desk.dial() as stream:
            return stream.getpeercert(binary_form=True)

    before = await asyncio.to_thread(shown)
    issued = await run(
        binary, "cert", "issue", "server", "--ca", desk.folder / "certs", "--out", tmp_path / "new", "--server", "--dns", "fluidity-server", within=20)
    assert issued.status == 0, issued.text
    for name in ("server.pem", "server-key.pem"):
        (tmp_path / "new" / name).replace(desk.folder / "certs" / name)

    async def is_shown():
        return await asyncio.to_thread(shown) != before

    await eventually(is_shown, 20, "the new certificate is shown")
    assert (await desk.join(await desk.invite(), "agent")).status == 0


async def test_inviting_to_what_can_not_run(desk):
    """Whoever invites hears what is wrong with the server, and not the one who is invited."""
    (desk.folder / "certs/server-key.pem").unlink()
    done = await run(desk.binary, "invite", "laptop", "--config", desk.folder / "server.yaml", within=20)
    assert done.status == 65 and "server-key.pem" in done.text and "fluidity-join-1" not in done.text, done.text
    # Shutting somebody out goes on.
    done = await run(desk.binary, "agents", "--config", desk.folder / "server.yaml", within=20)
    assert done.status == 0, done.text


async def test_interrupted_new(binary, tmp_path, launch):
    """Of each step that was done before somebody stopped it, the rest is done."""
    for number, lost in enumerate([["server.yaml"], ["server.yaml", "certs/server.pem"], ["server.yaml", "certs/server.pem", "certs/server-key.pem"]]):
        desk = Desk(binary, tmp_path / str(number), launch).start()
        await desk.stop()
        for name in lost:
            (desk.folder / name).unlink()
        desk.start()
        assert (await desk.join(await desk.invite(), "agent")).status == 0


@pytest.fixture(scope="module")
def killing(tmp_path_factory):
    """A library that ends a process in the middle of its work."""
    library = tmp_path_factory.mktemp("killing") / "kill_at.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, Path(__file__).parent / "harness/kill_at.c", "-ldl"], check=True)
    return lambda number: {"LD_PRELOAD": str(library), "KILL_AT": str(number)}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs LD_PRELOAD")
@pytest.mark.parametrize("side", [1, -1])
async def test_killed_at_each_step(desk, tmp_path, killing, side):
    """Before and behind each call by which `join` changes something, kill -9 leaves what the same line completes, or what works already."""
    step, deaths = 1, 0
    while True:
        line, folder = await desk.invite(f"laptop{step}"), f"agent{side}-{step}"
        command = (desk.binary, "join", line, "--out", tmp_path / folder)
        first = await run(*command, within=40, environment=desk.home | killing(side * step))
        if first.status == 0:
            break
        assert first.status == -signal.SIGKILL, first.text
        deaths += 1
        second = await run(*command, within=40, environment=desk.home)
        if second.status != 0:
            assert "has joined" in second.text and "fluidity agent" in second.text, second.text
        checked = await run(desk.binary, "check", tmp_path / folder / "agent.yaml", within=20)
        assert checked.status == 0, (step, checked.text)
        step += 1
    # Folder, key, connection, three files: each has some.
    assert deaths >= 8, deaths


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs LD_PRELOAD")
async def test_new_killed_at_each_step(binary, tmp_path, launch, killing):
    """The same for `server --new`: what is there is taken, what is missing is made."""
    for step in range(1, 40):
        desk = Desk(binary, tmp_path / str(step), launch)
        command = [binary, "server", "--new", "--out", desk.folder, "--listen", f"127.0.0.1:{desk.port}"]
        first = Process("killed-server", command, tmp_path, desk.home | killing(-step))
        launch(first)
        wait_until(lambda: not first.alive or "listening" in first.text(), 20, lambda: "it ends or listens")
        if first.alive:
            break
        assert first.status == -signal.SIGKILL, first.text()
        desk.start()
        assert (await desk.join(await desk.invite(), "agent")).status == 0
        await desk.stop()
    assert step >= 8, step
