"""The authority's key is elsewhere: a server without it carries those who join to the desk."""

import asyncio
import signal
import socket
import ssl

import pytest

from harness.client import fetch
from harness.fluidity import write_configuration
from harness.ports import free_port
from harness.processes import Process, run
from harness.waiting import eventually
from test_join import PROTOCOL, Desk


@pytest.fixture
def desk(binary, tmp_path, launch):
    return Desk(binary, tmp_path, launch).start()


class Exit:
    """A server with a certificate of the desk's authority, and no key of it."""

    def __init__(self, desk, launch, at=None):
        self.desk, self.port = desk, free_port()
        self.folder = desk.place / "exit"
        self.at = at or f"127.0.0.1:{desk.port}"
        self.launch = launch

    async def start(self):
        issued = await run(
            self.desk.binary, "cert", "issue", "exit", "--ca", self.desk.folder / "certs", "--out", self.folder, "--server", "--dns", "fluidity-server", within=20)
        assert issued.status == 0, issued.text
        (self.folder / "ca.pem").write_bytes((self.desk.folder / "certs/ca.pem").read_bytes())
        stages = [
            ("accept", {"listen": f"127.0.0.1:{self.port}"}),
            ("enrol", {"desk": self.at}),
            ("mtls", {"certificate": "exit.pem", "key": "exit-key.pem", "ca": "ca.pem", "agents": "agents"}),
            ("frame", {"codec": "mux"}),
            ("fetch", {"destinations": "any"}),
        ]
        self.process = Process("exit", [self.desk.binary, "server", "--config", write_configuration(self.folder / "server.yaml", stages, host="server")], self.desk.place)
        self.launch(self.process)
        self.process.wait_for_line("listening")
        return self

    def begin(self, source="127.0.0.1"):
        """Says a client's first message of TLS, and no more."""
        context = ssl.create_default_context(cafile=str(self.folder / "ca.pem"))
        context.set_alpn_protocols([PROTOCOL])
        out = ssl.MemoryBIO()
        client = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="fluidity-server")
        with pytest.raises(ssl.SSLWantReadError):
            client.do_handshake()
        stream = socket.create_connection(("127.0.0.1", self.port), timeout=20, source_address=(source, 0))
        stream.sendall(out.read())
        return stream

    def dial(self, protocol=PROTOCOL):
        context = ssl.create_default_context(cafile=str(self.folder / "ca.pem"))
        context.set_alpn_protocols([protocol])
        stream = context.wrap_socket(socket.create_connection(("127.0.0.1", self.port), timeout=20), server_hostname="fluidity-server")
        stream.settimeout(20)
        return stream


async def test_a_server_without_the_key(desk, binary, tmp_path, launch, origin):
    @origin.on("/")
    async def ok(exchange):
        await exchange.respond(200, body=b"fine")

    server = await Exit(desk, launch).start()
    line = await desk.invite("laptop", "--server", f"127.0.0.1:{server.port}")
    port = free_port()
    joined = await desk.join(line, "laptop", "--listen", f"127.0.0.1:{port}")
    assert joined.status == 0, joined.text
    assert not list(server.folder.rglob("*ca-key*"))
    agent = Process("joined-agent", [binary, "agent", "--config", tmp_path / "laptop/agent.yaml"], tmp_path)
    launch(agent)
    agent.wait_for_line("tunnel is up")
    assert (await fetch(port, origin.url("/"))).body == b"fine"
    # The exit shuts out whom it has seen, by name, without asking the desk.
    for _ in range(100):
        revoked = await run(binary, "agents", "--revoke", "laptop", "--config", server.folder / "server.yaml", within=20)
        if revoked.status == 0:
            break
        await asyncio.sleep(0.1)
    assert revoked.status == 0, revoked.text
    await eventually(lambda: "the certificate was revoked" in server.process.text(), 10, "the exit ends the connection")
    # Invitations are the desk's.
    elsewhere = await run(binary, "invite", "x", "--config", server.folder / "server.yaml", within=20)
    assert elsewhere.status == 65 and "desk" in elsewhere.text, elsewhere.text


async def test_the_same_refusals(desk, launch):
    server = await Exit(desk, launch).start()

    def ask(data):
        with server.dial() as stream:
            answer = b""
            try:
                stream.sendall(data)
                while more := stream.recv(65536):
                    answer += more
            except (ConnectionError, ssl.SSLError):
                pass
            return answer

    assert (await asyncio.to_thread(ask, b"hello\n")).startswith(b"refused ")
    # More than anybody needs is cut, whatever it is.
    await asyncio.to_thread(ask, b"enrol " + b"A" * 1_000_000)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        with await asyncio.to_thread(server.dial, "fluidity/1") as stream:
            stream.recv(1)
    line = await desk.invite("laptop", "--server", f"127.0.0.1:{server.port}")
    assert (await desk.join(line, "laptop")).status == 0, "others still join"


async def test_the_desk_is_away(desk, launch):
    server = await Exit(desk, launch).start()
    line = await desk.invite("laptop", "--server", f"127.0.0.1:{server.port}")
    await desk.stop()
    done = await desk.join(line, "laptop")
    assert done.status == 69 and "its log says why" in done.text, done.text
    server.process.wait_for_line("the desk can't be reached")
    # The same line, when it is back.
    desk.start()
    again = await desk.join(line, "laptop")
    assert again.status == 0, again.text


async def test_many_who_stay_silent(desk, launch):
    """From one address a few have places; they shut nobody else out."""
    server = await Exit(desk, launch).start()
    slow = [await asyncio.to_thread(server.begin, "127.0.0.2") for _ in range(60)]
    await eventually(lambda: "too many ask to join" in server.process.text(), 10, "the server says that places are taken")
    assert server.process.text().count("too many ask to join") <= 16, "once in a while on each event loop"
    line = await desk.invite("laptop", "--server", f"127.0.0.1:{server.port}")
    assert (await desk.join(line, "laptop")).status == 0
    server.process.wait_for_line("somebody asks the desk to join")
    # And they come back.
    for stream in slow:
        stream.close()
    line = await desk.invite("laptop", "--server", f"127.0.0.1:{server.port}")
    assert (await desk.join(line, "again")).status == 0


async def test_who_goes_silent_goes(desk, launch):
    server = await Exit(desk, launch).start()
    stream = await asyncio.to_thread(server.begin)
    stream.settimeout(25)

    def rest():
        while stream.recv(65536):
            pass
        return True

    # Its end, whichever it is, and not the deadline of the test, which is before that of the whole.
    try:
        assert await asyncio.to_thread(rest)
    except ConnectionError:
        pass


async def test_a_desk_that_is_this_server(binary, tmp_path):
    config = tmp_path / "server.yaml"
    for listen, desk, status in (("127.0.0.1:18443", "127.0.0.1:18443", 65), ("0.0.0.0:18443", "127.0.0.1:18443", 65), ("0.0.0.0:18443", "192.0.2.1:18443", 0)):
        config.write_text(f'pipeline:\n  - accept: {{ listen: "{listen}" }}\n  - enrol: {{ desk: "{desk}" }}\n  - http: {{}}\n  - fetch: {{}}\n')
        done = await run(binary, "check", "--host", "server", config, within=20)
        assert done.status == status and ("listens itself" in done.text) == (status == 65), done.text
        if status == 65:
            started = await run(binary, "server", "--config", config, within=20)
            assert started.status == 65 and "listens itself" in started.text, started.text


async def test_a_desk_of_another_user(binary, tmp_path, launch):
    """On one machine, by a Unix socket: the key is another user's."""
    desk = Desk(binary, tmp_path, launch)
    path = tmp_path / "desk.sock"
    desk.start()
    await desk.stop()
    process = Process("desk", [binary, "server", "--config", desk.folder / "server.yaml", "--set", f"pipeline.accept.listen=unix:{path}"], tmp_path)
    launch(process)
    process.wait_for_line("listening")
    server = await Exit(desk, launch, f"unix:{path}").start()
    line = await desk.invite("laptop", "--server", f"127.0.0.1:{server.port}")
    done = await desk.join(line, "laptop")
    assert done.status == 0, done.text
    process.signal(signal.SIGTERM)
    assert await process.ended(within=20) == 0


@pytest.mark.parametrize("text,words", [
    ("{ desk: desk.example:8443 }", "an address and a port"), ("{ desk: '127.0.0.1:0' }", "an address and a port"),
    ("{ desk: '127.0.0.1:1', ca: ca.pem }", "is the desk's"), ("{}", "'ca-key' is missing"), ("{ ca: ca.pem }", "'invitations' is missing")])
async def test_what_does_not_go_together(binary, tmp_path, text, words):
    (tmp_path / "server.yaml").write_text(f'pipeline:\n  - accept: {{ listen: "127.0.0.1:0" }}\n  - enrol: {text}\n  - http: {{}}\n  - fetch: {{}}\n')
    (tmp_path / "ca.pem").write_text("")
    done = await run(binary, "check", "--host", "server", tmp_path / "server.yaml", within=20)
    assert done.status == 65 and words in done.text, done.text
