"""Networks that break TLS, and servers that don't want this agent: whoever asks is told whose certificate it is, what is wrong, and what to
do, and nothing of the library that speaks TLS."""

import asyncio
import contextlib
import socket
import ssl
import struct

import pytest

from harness.certificates import Authority
from harness.client import fetch
from harness.ports import accepts, free_port
from harness.processes import Process
from harness.waiting import eventually, wait_until

LIBRARY = ("NIOSSL", "BoringSSL", "OPENSSL", "handshakeFailed", "sslError", "Error:", ".cc", ".swift", ".build", "Sources/")


@pytest.fixture(scope="module")
def inspector(tmp_path_factory) -> Authority:
    """The authority of a company's proxy that looks into what passes."""
    return Authority(tmp_path_factory.mktemp("inspector"), "Inspection CA")


def inspects(identity):
    """Ends TLS itself, with a certificate of its own for the name that was asked for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.certificate, identity.key)

    async def end(reader, writer):
        with contextlib.suppress(OSError):
            await writer.start_tls(context)
            await reader.read()

    return end


async def answers_by_itself(reader, writer):
    await reader.read(1)
    writer.write(b"HTTP/1.1 302 Found\r\nLocation: http://portal.example/\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()
    writer.close()


async def closes(reader, writer):
    await reader.read(1)
    writer.close()


async def resets(reader, writer):
    await reader.read(1)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@pytest.fixture
def reason(make_tunnel, make_tcp, ok):
    """What a client is told whose agent goes to `end` in the place of the server, directly or through a proxy. `end` is what is done with a
    connection, or a port of this machine."""

    async def ask(end, way: str) -> str:
        async def proxy(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            await (passes(reader, writer, end) if isinstance(end, int) else end(reader, writer))

        port = end if isinstance(end, int) and way == "direct" else (await make_tcp(proxy if way == "via" else end)).port
        connect = {"via": f"http://127.0.0.1:{port}"} if way == "via" else {"to": f"localhost:{port}"}
        tunnel = make_tunnel(agent={"connect": {"wait": "1s", **connect}})
        tunnel.start_agent()
        response = await fetch(tunnel.port, ok.url("/"), within=20)
        assert response.status == 503
        says = response.sentence.split(": ", 1)[1].removeprefix(f"through the proxy 127.0.0.1:{port}: ")
        for text in (says, *(line for line in tunnel.agent.text().splitlines() if "tunnel is down" in line)):
            assert not any(word in text for word in LIBRARY), text
        return says.strip()

    return ask


async def passes(reader, writer, port: int):
    """Passes bytes on both ways."""
    there, here = await asyncio.open_connection("127.0.0.1", port)

    async def pump(source, sink):
        while data := await source.read(1 << 16):
            sink.write(data)
        sink.write_eof()

    with contextlib.suppress(OSError):
        await asyncio.gather(pump(reader, here), pump(there, writer))
    here.close()


@pytest.fixture
def s_server(launch, tmp_path):
    """Starts `openssl s_server`, which says why it refuses, and returns its port."""

    def start(identity, *arguments) -> int:
        port = free_port()
        command = ["openssl", "s_server", "-quiet", "-accept", port, "-cert", identity.certificate, "-key", identity.key, *arguments]
        process = launch(Process("s_server", command, tmp_path))
        wait_until(lambda: accepts(port), 10, lambda: f"s_server accepts; it printed:\n{process.tail()}")
        return port

    return start


@pytest.mark.parametrize("way", ["direct", "via"])
async def test_another_certificate(reason, inspector, way):
    says = await reason(inspects(inspector.issue("localhost", dns=("localhost",), server=True)), way)
    assert says == (
        "the certificate of the server, CN=localhost, was issued by CN=Inspection CA, which is no authority in 'ca': either somebody between "
        "here and the server opens TLS, and has to let connections to localhost pass, or to carry the tunnel within its own TLS, which "
        "'websocket' and 'tls' behind 'mtls' do; or this is another server, or another 'ca' is needed"
    )


async def test_an_expired_certificate_and_one_of_the_wrong_kind(reason, authority):
    says = await reason(inspects(authority.issue("expired", dns=("localhost",), server=True, days=-1)), "direct")
    assert says.startswith("the certificate of the server, CN=expired, expired on 20")
    says = await reason(inspects(authority.issue("someone", dns=("localhost",))), "direct")
    assert says.startswith("the certificate of the server, CN=someone, is no server's")


@pytest.mark.parametrize("way", ["direct", "via"])
@pytest.mark.parametrize("end, words", [
    (answers_by_itself, "what answers in place of the server doesn't speak TLS: the port is another service's, or something on the way answers by itself, a captive portal say"),
    (closes, "the connection ended during the TLS handshake"),
    (resets, "in the TLS handshake, the connection was reset"),
], ids=["plain", "closes", "resets"])  # fmt: skip
async def test_no_tls(reason, way, end, words):
    assert await reason(end, way) == words


async def test_an_older_version(reason, s_server, inspector):
    old = s_server(inspector.issue("old", dns=("localhost",), server=True), "-tls1_2")
    assert await reason(old, "direct") == (
        "the server doesn't speak TLS 1.3, and nothing older is spoken here (alert 70): it isn't one of ours, or somebody between here and the "
        "server opens TLS"
    )


def trusting(authority: Authority) -> tuple:
    """For a server that takes the certificates of one authority only."""
    return ("-Verify", "1", "-verify_return_error", "-CAfile", authority.path)


@pytest.fixture
def server_as(authority):
    return authority.issue("choosy", dns=("localhost",), server=True)


@pytest.mark.parametrize("way", ["direct", "via"])
async def test_a_server_that_refuses_the_agent(reason, s_server, server_as, inspector, way):
    """In TLS 1.3 it says so after the agent has begun to speak."""
    says = await reason(s_server(server_as, *trusting(inspector), "-alpn", "fluidity/1"), way)
    assert says == (
        "the server refuses the certificate of this side: it doesn't come from an authority that is trusted there (alert 48); its 'ca' there "
        "needs the authority of this side's certificate, or this side another certificate"
    )


async def test_a_server_of_another_protocol(reason, s_server, server_as, authority):
    says = await reason(s_server(server_as, *trusting(authority)), "direct")
    assert says.startswith("the server doesn't take the protocol 'fluidity/1' on this port"), says


async def test_what_only_a_change_can_mend_is_tried_seldom(make_tunnel, make_tcp, s_server, server_as, inspector):
    """Beside an agent whose server closes every connection, which may be over in a moment."""
    port = s_server(server_as, *trusting(inspector), "-alpn", "fluidity/1")

    async def refuses(reader, writer):
        await passes(reader, writer, port)

    async def dials(handler):
        count = []

        async def counted(reader, writer):
            count.append(1)
            await handler(reader, writer)

        place = await make_tcp(counted)
        make_tunnel(agent={"connect": {"to": f"localhost:{place.port}"}}, agent_top={"event-loops": 1}).start_agent()
        return count

    refused, closed = await dials(refuses), await dials(closes)
    await eventually(lambda: refused and len(closed) >= 7, 30, "the other agent has tried seven times")
    assert len(refused) <= 2
