"""Proof 8: who has no right to the tunnel gets nothing from its port, shown by `openssl s_client`."""

import asyncio
import re
import struct

import pytest

from harness.certificates import Authority
from harness.client import Connection, fetch
from harness.processes import run
from harness.waiting import patiently


@pytest.fixture(scope="module")
def stranger(tmp_path_factory) -> Authority:
    """Another CA."""
    return Authority(tmp_path_factory.mktemp("stranger"), "a stranger")


@pytest.fixture(scope="module")
def namesake(tmp_path_factory) -> Authority:
    """A CA of the same name as the right one, with another key."""
    return Authority(tmp_path_factory.mktemp("namesake"))


# RFC 8446, 6.2
BAD_CERTIFICATE, UNSUPPORTED_CERTIFICATE, CERTIFICATE_EXPIRED, CERTIFICATE_UNKNOWN = 42, 43, 45, 46
UNKNOWN_CA, DECRYPT_ERROR, PROTOCOL_VERSION, CERTIFICATE_REQUIRED = 48, 51, 70, 116


def assert_alert(result, *numbers: int):
    """The server has said why it refuses, and openssl shows it."""
    assert result.status != 0
    assert any(re.search(rf"SSL alert number {number}\b", result.text) for number in numbers), result.text


async def s_client(tunnel, *arguments):
    """Connects and waits until the server ends the connection."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{tunnel.server_port}", "-servername", "localhost"]
    return await run(*command, "-alpn", "fluidity/1", *arguments, within=20, stdin=None)


def credentials(identity) -> list:
    return ["-cert", identity.certificate, "-key", identity.key]


async def test_the_right_certificate_is_let_in(tunnel, client_identity):
    """Without this, the refusals would prove nothing."""
    command = ["-CAfile", client_identity.ca, "-verify_return_error", "-verify_hostname", "localhost", *credentials(client_identity)]
    full = ["openssl", "s_client", "-connect", f"127.0.0.1:{tunnel.server_port}", "-servername", "localhost", "-alpn", "fluidity/1"]
    # With its input at an end, s_client leaves by itself, with status 0 if there was no error.
    result = await run(*full, *command, within=20)
    assert result.status == 0, result.text
    assert "TLSv1.3" in result.text and "Verification: OK" in result.text
    assert "ALPN protocol: fluidity/1" in result.text
    assert "alert" not in result.text


async def test_no_certificate(tunnel):
    assert_alert(await s_client(tunnel), CERTIFICATE_REQUIRED)


async def test_a_certificate_of_another_ca(tunnel, stranger):
    assert_alert(await s_client(tunnel, *credentials(stranger.issue("client"))), UNKNOWN_CA)


async def test_a_certificate_of_a_ca_of_the_same_name(tunnel, namesake):
    result = await s_client(tunnel, *credentials(namesake.issue("client")))
    assert_alert(result, DECRYPT_ERROR, BAD_CERTIFICATE, UNKNOWN_CA)


async def test_an_expired_certificate(tunnel, authority):
    assert_alert(await s_client(tunnel, *credentials(authority.issue("expired", days=-1))), CERTIFICATE_EXPIRED)


async def test_a_server_certificate_is_no_client_certificate(tunnel, server_identity):
    result = await s_client(tunnel, *credentials(server_identity))
    assert_alert(result, UNSUPPORTED_CERTIFICATE, BAD_CERTIFICATE, CERTIFICATE_UNKNOWN)


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_1"])
async def test_older_versions(tunnel, client_identity, version):
    # The security level lets openssl itself offer the old versions.
    result = await s_client(tunnel, version, "-cipher", "DEFAULT@SECLEVEL=0", *credentials(client_identity))
    assert_alert(result, PROTOCOL_VERSION)


async def test_plain_text(tunnel):
    reader, writer = await asyncio.open_connection("127.0.0.1", tunnel.server_port)
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    async with patiently(20):
        try:
            answer = await reader.read()
        except ConnectionError:
            answer = b""
    assert not answer.startswith(b"HTTP"), answer
    writer.close()


async def test_the_refused_harm_nobody(tunnel, origin):
    @origin.on("/")
    async def ok(exchange):
        await exchange.respond(200, body=b"fine")

    await asyncio.gather(*(s_client(tunnel) for _ in range(8)))
    assert (await fetch(tunnel.port, origin.url("/"))).body == b"fine"


async def refused_by_agent(make_tunnel, origin, server_as, agent_mtls: dict = {}, **settings):
    tunnel = make_tunnel(server_as=server_as, agent={"connect": {"wait": "1s"}, "mtls": agent_mtls}, **settings).start()
    response = await fetch(tunnel.port, origin.url("/"), within=20)
    assert response.status == 503, response.text
    assert response.get("retry-after"), response.raw
    assert origin.requests == []
    return response


async def test_the_agent_refuses_a_server_of_another_ca(make_tunnel, origin, stranger, authority):
    impostor = stranger.issue("server", dns=("localhost",), server=True)
    await refused_by_agent(make_tunnel, origin, impostor)


async def test_the_agent_refuses_an_expired_server(make_tunnel, origin, authority):
    expired = authority.issue("expired-server", dns=("localhost",), server=True, days=-1)
    try:
        await refused_by_agent(make_tunnel, origin, expired)
    except AssertionError as error:
        # A server may refuse to start with a certificate that has expired; then it must say so.
        assert "ended with status" in str(error) and "expired" in str(error), error


async def test_the_agent_refuses_another_name(make_tunnel, origin, authority):
    other = authority.issue("other-server", dns=("other.example",), server=True)
    await refused_by_agent(make_tunnel, origin, other)


URI = "spiffe://example.org/tunnel/server"


async def test_a_server_known_by_its_uri(make_tunnel, origin, authority):
    """Its certificate has no DNS name at all."""

    @origin.on("/")
    async def ok(exchange):
        await exchange.respond(200, body=b"fine")

    by_uri = authority.issue("uri-server", uris=(URI,), server=True)
    tunnel = make_tunnel(server_as=by_uri, agent={"mtls": {"name": URI}}).start()
    assert (await fetch(tunnel.port, origin.url("/"))).body == b"fine"


@pytest.mark.parametrize("names", [{"uris": (URI + "/other",)}, {"uris": (URI[:-1],)}, {"dns": ("example.org",)}], ids=str)
async def test_the_agent_refuses_another_uri(make_tunnel, origin, authority, names):
    other = authority.issue("other-uri-server", server=True, **names)
    response = await refused_by_agent(make_tunnel, origin, other, {"name": URI})
    assert URI in response.text, response.text


async def test_an_address_alone_is_no_name(make_tunnel, origin, authority):
    """The certificate has the address that is dialled, but not the name that is asked for."""
    by_address = authority.issue("address-server", addresses=("127.0.0.1",), server=True)
    await refused_by_agent(make_tunnel, origin, by_address)


async def test_post_quantum_key_exchange(tunnel):
    """A hello that offers X25519MLKEM768 and x25519 without shares is asked to retry with the former (RFC 8446, 4.1.4)."""
    x25519mlkem768 = 0x11EC
    reader, writer = await asyncio.open_connection("127.0.0.1", tunnel.server_port)
    writer.write(client_hello([x25519mlkem768, 0x001D]))
    async with patiently(20):
        kind, _, length = struct.unpack("!BHH", await reader.readexactly(5))
        record = await reader.readexactly(length)
    writer.close()
    assert kind == 22 and record[0] == 2, f"no ServerHello but a record of type {kind}: {record[:40].hex()}"
    assert struct.pack("!HHH", 51, 2, x25519mlkem768) in record, f"another group was chosen: {record.hex()}"


def client_hello(groups: list[int]) -> bytes:
    def extension(number: int, data: bytes) -> bytes:
        return struct.pack("!HH", number, len(data)) + data

    def list16(values: list[int]) -> bytes:
        return struct.pack("!H", 2 * len(values)) + b"".join(struct.pack("!H", value) for value in values)

    name = b"localhost"
    extensions = b"".join([
        extension(0, struct.pack("!HBH", len(name) + 3, 0, len(name)) + name),
        extension(10, list16(groups)),
        extension(13, list16([0x0403, 0x0804])),
        extension(43, bytes([2, 3, 4])),
        extension(51, b"\x00\x00"),
        extension(16, struct.pack("!HB", 11, 10) + b"fluidity/1"),
    ])  # fmt: skip
    body = b"\x03\x03" + bytes(range(32)) + b"\x00" + list16([0x1301, 0x1303]) + b"\x01\x00"
    body += struct.pack("!H", len(extensions)) + extensions
    handshake = b"\x01" + struct.pack("!I", len(body))[1:] + body
    return struct.pack("!BHH", 22, 0x0301, len(handshake)) + handshake


async def test_half_a_handshake_is_given_up(make_tunnel):
    """A peer that never finishes its hello doesn't hold a connection beyond the idle limit."""
    tunnel = make_tunnel(server={"accept": {"idle": "1s"}}).start()
    async with await Connection.open(tunnel.server_port) as client:
        await client.send(client_hello([0x001D])[:40])
        await client.ended(within=15)
