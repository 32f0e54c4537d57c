"""What a server's log says of those that it doesn't let in: whose certificate it is, what is wrong, and what to do; nothing of the library
that speaks TLS, and nothing above `debug` of somebody who only looks whether the port is open."""

import asyncio
import contextlib
import json
import signal
import socket
import struct

import pytest

from harness.certificates import Authority
from harness.codecs import CODECS
from harness.fluidity import Fluidity, write_configuration
from harness.ports import free_port
from harness.processes import run
from harness.waiting import eventually
from test_tls_on_the_way import LIBRARY


@pytest.fixture
def server(make_tunnel):
    tunnel = make_tunnel(server_top={"log": {"level": "debug", "format": "json"}})
    tunnel.start_server()
    return tunnel


def lines(server, level: str) -> list[dict]:
    found = [line for line in map(json.loads, server.server.text().splitlines()) if line["message"] == "peer refused"]
    return [line for line in found if line["level"] == level]


async def reason(server) -> str:
    await eventually(lambda: lines(server, "info"), 15, lambda: f"a line; it said:\n{server.server.tail()}")
    (line,) = lines(server, "info")
    assert not any(word in json.dumps(line) for word in LIBRARY), line
    assert line["remote"].startswith("127.0.0.1:"), line
    return line["reason"]


async def s_client(server, *arguments, identity=None):
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.server_port}", "-servername", "localhost"]
    certificate = ["-cert", identity.certificate, "-key", identity.key] if identity else []
    alpn = [] if "-alpn" in arguments else ["-alpn", "fluidity/1"]
    return await run(*command, *alpn, *certificate, *arguments, within=20, stdin=None)


async def test_no_certificate(server):
    await s_client(server)
    assert await reason(server) == "the client showed no certificate: it has no 'mtls', or isn't one of ours; make one with 'fluidity cert issue --client'"


async def test_another_authority(server, tmp_path):
    await s_client(server, identity=Authority(tmp_path / "other", "Other CA").issue("laptop"))
    assert await reason(server) == (
        "the certificate of the client, CN=laptop, was issued by CN=Other CA, which is no authority in 'ca': the client needs a certificate of "
        "one that is, or 'ca' its authority as well; what stands between the two goes behind the client's certificate in its file"
    )


async def test_an_authority_of_the_same_name(server, tmp_path):
    await s_client(server, identity=Authority(tmp_path / "other").issue("laptop"))
    assert await reason(server) == (
        "the certificate of the client, CN=laptop, was issued by an authority that is called CN=end-to-end tests as one in 'ca' is, and has "
        "another key: the client needs a certificate of the one in 'ca', or 'ca' the other one as well"
    )


async def test_an_expired_certificate(server, authority):
    await s_client(server, identity=authority.issue("old", days=-1))
    text = await reason(server)
    assert text.startswith("the certificate of the client, CN=old, expired on 20") and text.endswith("; renew it with 'fluidity cert issue'"), text


async def test_a_certificate_of_tomorrow(server, authority):
    await s_client(server, identity=authority.issue("new", since=1))
    text = await reason(server)
    assert text.startswith("the certificate of the client, CN=new, isn't valid before 20") and text.endswith("; is the clock right?"), text


async def test_a_certificate_of_the_wrong_kind(server, server_identity):
    await s_client(server, identity=server_identity)
    assert await reason(server) == "the certificate of the client, CN=server, is no client's; make one with 'fluidity cert issue --client'"


async def test_an_older_version(server, client_identity):
    await s_client(server, "-tls1_2", identity=client_identity)
    assert await reason(server) == "the client doesn't speak TLS 1.3, and nothing older is spoken here"


async def test_no_protocol_in_common(server, client_identity):
    result = await s_client(server, "-alpn", "http/1.1,acme-tls/1", identity=client_identity)
    assert "SSL alert number 120" in result.text, result.text
    text = await reason(server)
    assert text.startswith("the client speaks 'http/1.1', 'acme-tls/1', and here 'fluidity/1' is spoken (ALPN)"), text


async def test_no_tls(server):
    await say(server, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert await reason(server) == "what the client says is no TLS: it isn't one of ours, or has no 'mtls'"


async def test_cut_in_the_handshake(server):
    await say(server, b"\x16\x03\x01\x01\x00\x01\x00\x00\xfc")
    assert await reason(server) == "the connection ended during the TLS handshake"


async def test_a_client_that_doesn_t_trust_the_server(server, tmp_path, client_identity):
    other = Authority(tmp_path / "other", "Other CA")
    await s_client(server, "-CAfile", other.path, "-verify_return_error", identity=client_identity)
    assert await reason(server) == (
        "what the client says can't be read: it ends TLS in the middle, as one does that refuses the certificate of this side, or something "
        "on the way changes what passes; the client's log may say more"
    )


async def test_an_agent_that_doesn_t_trust_the_server(make_tunnel, tmp_path, client_identity):
    other = Authority(tmp_path / "other", "Other CA")
    client = other.issue("laptop")
    tunnel = make_tunnel(client=client, server_top={"log": {"level": "debug", "format": "json"}}, agent_top={"event-loops": 1}).start()
    await eventually(lambda: lines(tunnel, "info"), 15, lambda: f"a line; it said:\n{tunnel.server.tail()}")
    assert lines(tunnel, "info")[0]["reason"] == (
        "the client refuses the certificate of this side: it doesn't come from an authority that is trusted there (alert 48); its 'ca' there "
        "needs the authority of this side's certificate, or this side another certificate"
    )
    words = "the certificate of the server, CN=server, was issued by CN=end-to-end tests, which is no authority in 'ca'"
    await eventually(lambda: words in tunnel.agent.text(), 15, lambda: f"the reason; it said:\n{tunnel.agent.tail()}")


async def test_an_agent_that_wants_another_name(make_tunnel):
    tunnel = make_tunnel(agent={"mtls": {"name": "other.example"}}, agent_top={"event-loops": 1}).start()
    words = "the server's certificate is for localhost, not for other.example; set 'name' of 'mtls', or issue one for that name"
    await eventually(lambda: words in tunnel.agent.text(), 15, lambda: f"the reason; it said:\n{tunnel.agent.tail()}")


async def test_an_agent_of_another_codec(make_tunnel):
    tunnel = make_tunnel(agent={"frame": {"codec": "h2"}}, agent_top={"event-loops": 1}).start()
    words = "the server doesn't take the protocol 'h2' on this port; its 'frame' has to list the codec that 'frame' has here"
    await eventually(lambda: words in tunnel.agent.text(), 15, lambda: f"the reason; it said:\n{tunnel.agent.tail()}")
    await eventually(lambda: "the client speaks 'h2'" in tunnel.server.text(), 15, lambda: f"the reason; it said:\n{tunnel.server.tail()}")


async def say(server, data: bytes):
    reader, writer = await asyncio.open_connection("127.0.0.1", server.server_port)
    writer.write(data)
    with contextlib.suppress(OSError):
        await writer.drain()
        writer.write_eof()
        await reader.read()
    writer.close()


async def test_a_look_whether_the_port_is_open(server):
    """A health check of a load balancer comes every few seconds: closed, or reset."""
    before = len(lines(server, "debug"))
    for reset in (False, True):
        with socket.create_connection(("127.0.0.1", server.server_port)) as probe:
            if reset:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await eventually(lambda: len(lines(server, "debug")) >= before + 2, 15, lambda: f"two lines; it said:\n{server.server.tail()}")
    assert lines(server, "info") == [], server.server.text()
    assert "unix" not in server.server.text()


PLAIN = {
    "http": [("http", {}), ("fetch", {})], "socks": [("socks", {}), ("fetch", {})], "detect": [("detect", {}), ("fetch", {})],
    **{codec: [("frame", {"codec": codec}), ("fetch", {})] for codec in CODECS}, "several": [("frame", {"codecs": sorted(CODECS)}), ("fetch", {})],
}  # fmt: skip


@pytest.mark.parametrize("protocol", PLAIN)
async def test_a_look_at_a_port_without_tls(tmp_path, launch, protocol):
    port, admin = free_port(), free_port()
    config = write_configuration(
        tmp_path / "plain.yaml", [("accept", {"listen": f"127.0.0.1:{port}"}), *PLAIN[protocol]], admin={"listen": f"127.0.0.1:{admin}"})
    server = launch(Fluidity("server", config, port=port))
    for reset in (False, True):
        for each in (port, admin):
            with socket.create_connection(("127.0.0.1", each)) as probe:
                if reset:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # Whatever is said of them is said before what comes at the end.
    server.signal(signal.SIGTERM)
    assert await server.ended(within=10) == 0
    assert {line["level"] for line in map(json.loads, server.text().splitlines())} == {"notice"}, server.text()
