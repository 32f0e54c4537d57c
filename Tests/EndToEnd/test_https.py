"""https:// both ways: the client's own TLS through CONNECT, and absolute-form where `fetch` does TLS."""

import asyncio
import socket
import ssl

import pytest
import pytest_asyncio

from harness.certificates import Authority
from harness.client import Connection, fetch, request
from harness.processes import curl
from harness.waiting import patiently


@pytest.fixture(scope="module")
def web_authority(tmp_path_factory) -> Authority:
    """The CA of the Web in these tests, which is not the tunnel's."""
    return Authority(tmp_path_factory.mktemp("web"), "a public authority")


def context(identity) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(identity.certificate, identity.key)
    return made


@pytest_asyncio.fixture
async def secure(make_origin, web_authority):
    origin = await make_origin(ssl=context(web_authority.issue("site", dns=("localhost",), server=True)))

    @origin.on("/secret")
    async def secret(exchange):
        await exchange.respond(200, body=b"over TLS: " + await exchange.read_body())

    return origin


@pytest.fixture
def trusting(make_tunnel, web_authority):
    return make_tunnel(environment={"SSL_CERT_FILE": str(web_authority.path)}).start()


async def test_through_connect(tunnel, secure, web_authority):
    arguments = ["-x", tunnel.proxy, "--cacert", web_authority.path, "-d", "hello"]
    result = await curl(*arguments, secure.url("/secret", host="localhost"))
    assert result.output == b"over TLS: hello", result.text


async def test_connect_doesn_t_touch_the_client_s_tls(tunnel, secure):
    """Without trust in the site's CA curl refuses: nobody in between has made the connection look better."""
    result = await curl("-x", tunnel.proxy, secure.url("/secret", host="localhost"))
    assert result.status == 60, result.text
    assert secure.requests == []


async def test_absolute_form(trusting, secure):
    async with patiently(30), await Connection.open(trusting.port) as client:
        for _ in range(3):
            response = await client.request("POST", secure.url("/secret", host="localhost"), body=b"hello")
            assert (response.status, response.body) == (200, b"over TLS: hello")
    assert secure.requests[0].get("host") == f"localhost:{secure.port}"


async def test_a_site_of_an_unknown_authority(tunnel, secure):
    response = await fetch(tunnel.port, secure.url("/secret", host="localhost"), body=b"hello", method="POST")
    assert response.status == 502, response.text
    assert "certificate" in response.text.lower()
    assert secure.requests == []


async def test_a_site_that_answers_in_plain_text(trusting, make_tcp):
    async def plain(reader, writer):
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    target = await make_tcp(plain)
    response = await fetch(trusting.port, f"https://localhost:{target.port}/", within=5)
    assert response.status == 502 and response.text.strip(), response.raw


async def test_a_handshake_belongs_to_connecting(make_tunnel, make_tcp):
    """A site that accepts and says nothing is given up when connecting has taken too long."""

    async def mute(reader, writer):
        await reader.read()

    tunnel = make_tunnel(server={"fetch": {"connect-timeout": "1s"}}).start()
    target = await make_tcp(mute)
    response = await fetch(tunnel.port, f"https://localhost:{target.port}/", within=10)
    assert response.status == 504 and response.text.strip(), response.raw


@pytest.mark.parametrize("says_so", [True, False], ids=["a closed connection", "a torn one"])
async def test_an_answer_that_ends_with_its_connection(trusting, secure, says_so):
    """RFC 9112, 9.8: without TLS's own word for it, anybody on the way may have ended it."""
    has_come = asyncio.Event()

    @secure.on("/endless")
    async def endless(exchange):
        await exchange.send(b"HTTP/1.1 200 OK\r\n\r\na part")
        await has_come.wait()
        exchange.close()
        if not says_so:
            exchange.writer.transport.abort()

    async with patiently(20), await Connection.open(trusting.port) as client:
        await client.send(request("GET", secure.url("/endless", host="localhost")))
        assert (await client.head()).status == 200
        begun = await client.reader.readuntil(b"a part")
        has_come.set()
        if says_so:
            assert await client.reader.readuntil(b"0\r\n\r\n") == b"\r\n0\r\n\r\n"
        else:
            rest = begun + await client.ended()
            assert not rest.endswith(b"\r\n0\r\n\r\n"), rest


async def test_a_connection_that_nobody_needs_is_closed_in_words(make_tunnel, web_authority):
    """RFC 9112, 9.8: a client says that it closes TLS."""
    identity = web_authority.issue("site", dns=("localhost",), server=True)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> bytes:
        with listener, context(identity).wrap_socket(listener.accept()[0], server_side=True, suppress_ragged_eofs=False) as site:
            site.settimeout(30)
            while not site.recv(1000).endswith(b"\r\n\r\n"):
                pass
            site.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
            return site.recv(1000)

    serving = asyncio.create_task(asyncio.to_thread(serve))
    tunnel = make_tunnel(server={"fetch": {"idle": "100ms"}}, environment={"SSL_CERT_FILE": str(web_authority.path)}).start()
    async with patiently(30):
        response = await fetch(tunnel.port, f"https://localhost:{listener.getsockname()[1]}/")
        assert response.status == 204, response.text
        assert await serving == b"", "an end in words, where one without them is an error"


async def test_a_site_of_another_name(trusting, make_origin, web_authority):
    origin = await make_origin(ssl=context(web_authority.issue("other", dns=("other.example",), server=True)))
    response = await fetch(trusting.port, origin.url("/secret", host="localhost"))
    assert response.status == 502, response.text
    assert origin.requests == []


async def test_a_site_with_an_expired_certificate(trusting, make_origin, web_authority):
    origin = await make_origin(ssl=context(web_authority.issue("old", dns=("localhost",), server=True, days=-1)))
    response = await fetch(trusting.port, origin.url("/secret", host="localhost"))
    assert response.status == 502, response.text
    assert origin.requests == []
