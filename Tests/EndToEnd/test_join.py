"""`fluidity server --new`, `invite` and `join`: from nothing to the first byte, and who isn't let in."""

import asyncio
import base64
import hashlib
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from harness.client import fetch
from harness.ports import free_port
from harness.processes import Process, run
from harness.proxies import tinyproxy
from harness.waiting import wait_until

PROTOCOL = "fluidity-enrol/1"


class Desk:
    """A server that `server --new` has made, and what is done on its machine."""

    def __init__(self, binary, place, launch):
        self.binary, self.place, self.launch = binary, place, launch
        self.port = free_port()
        self.home = {"HOME": str(place), "XDG_CONFIG_HOME": ""}
        self.folder = place / "server"

    def start(self):
        listen = f"127.0.0.1:{self.port}"
        self.process = Process(
            "new-server",
            [self.binary, "server", "--new", "--out", self.folder, "--listen", listen, "--set", "pipeline.fetch.destinations=any"],
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

    def dial(self, protocol=PROTOCOL) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=str(self.folder / "certs/ca.pem"))
        context.set_alpn_protocols([protocol])
        stream = context.wrap_socket(socket.create_connection(("127.0.0.1", self.port), timeout=20), server_hostname="fluidity-server")
        stream.settimeout(20)
        return stream

    def say(self, data: bytes) -> bytes:
        """What the server answers on a connection that enrols, until it ends."""
        with self.dial() as stream:
            answer = b""
            try:
                stream.sendall(data)
                while more := stream.recv(65536):
                    answer += more
            except (ConnectionError, ssl.SSLError):
                pass  # It had its say before it had read all.
            return answer

    def ask(self, code: bytes, request: bytes) -> str:
        return self.say(b"enrol " + base64.b64encode(code) + b" " + base64.b64encode(request) + b"\n").decode()


@pytest.fixture
def desk(binary, tmp_path, launch):
    return Desk(binary, tmp_path, launch).start()


def wanted(name="laptop", key=None, *extensions) -> bytes:
    key = key or ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=True)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


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


async def test_guesses(desk):
    began = time.monotonic()
    answers = await asyncio.gather(*(asyncio.to_thread(desk.ask, bytes([number] * 16), wanted()) for number in range(12)))
    assert all("no such invitation" in answer for answer in answers), answers
    # A generous bound from below: each waits a second for its answer.
    assert time.monotonic() - began >= 1
    assert (await desk.join(await desk.invite(), "agent")).status == 0, "others still join"


@pytest.mark.parametrize("what", ["name", "authority", "server", "key", "no-request", "signature", "large", "words", "http"])
async def test_what_is_asked_beyond(desk, what):
    code = desk.code(await desk.invite())
    basic = x509.BasicConstraints(ca=True, path_length=None)
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    damaged = bytearray(wanted())
    damaged[-1] ^= 1
    if what == "large":
        answer = (await asyncio.to_thread(desk.say, b"enrol " + b"A" * 1_000_000)).decode()
    elif what == "words":
        answer = (await asyncio.to_thread(desk.say, b"hello you\n")).decode()
    elif what == "http":
        answer = (await asyncio.to_thread(desk.say, b"GET http://127.0.0.1/ HTTP/1.1\r\n\r\n")).decode()
    else:
        request = {
            "name": lambda: wanted("root"),
            "authority": lambda: wanted("laptop", None, basic),
            "server": lambda: wanted("laptop", None, usage),
            "key": lambda: wanted("laptop", rsa.generate_private_key(65537, 2048)),
            "no-request": lambda: b"\x30\x03\x02\x01\x00",
            "signature": lambda: bytes(damaged),
        }[what]()
        answer = await asyncio.to_thread(desk.ask, code, request)
    assert answer.startswith("refused ") and answer.count("\n") == 1, answer
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
