"""What the `http` stage refuses: with the right status and a reason, and before an origin sees anything."""

import asyncio

import pytest

from harness import wire
from harness.client import Connection, request
from harness.waiting import patiently


def post(url: bytes, *lines: bytes, body: bytes = b"hello") -> bytes:
    host = url.split(b"/")[2]
    return b"\r\n".join([b"POST " + url + b" HTTP/1.1", b"Host: " + host, *lines, b"", body])


def get(url: bytes, *lines: bytes) -> bytes:
    host = url.split(b"/")[2]
    return b"\r\n".join([b"GET " + url + b" HTTP/1.1", b"Host: " + host, *lines, b"", b""])


REFUSED = {
    # Framing (RFC 9112, 6): anything two readers could understand differently.
    "length and encoding": (400, lambda url: post(url, b"Content-Length: 5", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n")),
    "encoding and length": (400, lambda url: post(url, b"Transfer-Encoding: chunked", b"Content-Length: 5", body=b"0\r\n\r\n")),
    "differing lengths": (400, lambda url: post(url, b"Content-Length: 5", b"Content-Length: 6")),
    "differing lengths in a list": (400, lambda url: post(url, b"Content-Length: 5, 6")),
    "a negative length": (400, lambda url: post(url, b"Content-Length: -5")),
    "a signed length": (400, lambda url: post(url, b"Content-Length: +5")),
    "a hexadecimal length": (400, lambda url: post(url, b"Content-Length: 0x5")),
    "a length with a blank": (400, lambda url: post(url, b"Content-Length: 5 5")),
    "an empty length": (400, lambda url: post(url, b"Content-Length: ")),
    "a word as length": (400, lambda url: post(url, b"Content-Length: five")),
    "a length beyond 64 bits": (400, lambda url: post(url, b"Content-Length: 99999999999999999999999")),
    "an unknown encoding": (400, lambda url: post(url, b"Transfer-Encoding: zip")),
    "an unknown encoding before chunked": (501, lambda url: post(url, b"Transfer-Encoding: zip, chunked", body=b"0\r\n\r\n")),
    "chunked that isn't last": (400, lambda url: post(url, b"Transfer-Encoding: chunked, gzip", body=b"0\r\n\r\n")),
    "chunked twice": ((400, 501), lambda url: post(url, b"Transfer-Encoding: chunked, chunked", body=b"0\r\n\r\n")),
    "chunked in disguise": ((400, 501), lambda url: post(url, b"Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n")),
    # Field lines (RFC 9112, 5; RFC 9110, 5.5).
    "a bare LF after a field": (400, lambda url: get(url, b"X-A: a\nX-B: b")),
    "a bare CR in a field": (400, lambda url: get(url, b"X-A: a\rX-B: b")),
    "a NUL in a field": (400, lambda url: get(url, b"X-A: a\x00b")),
    "a folded field": (400, lambda url: get(url, b"X-A: a", b" b")),
    "a field folded with a tab": (400, lambda url: get(url, b"X-A: a", b"\tb")),
    "a first field line that is folded": (400, lambda url: b"GET " + url + b" HTTP/1.1\r\n X-A: a\r\nHost: h\r\n\r\n"),
    "a space before the colon": (400, lambda url: get(url, b"X-A : a")),
    "a space before the colon of a length": (400, lambda url: post(url, b"Content-Length : 5")),
    "a name that is no token": (400, lambda url: get(url, b"X[A]: a")),
    "no name": (400, lambda url: get(url, b": a")),
    "no colon": (400, lambda url: get(url, b"X-A")),
    "large fields": (431, lambda url: get(url, *(b"X-%d: " % number + b"a" * 1000 for number in range(70)))),
    "one large field": (431, lambda url: get(url, b"X-A: " + b"a" * 66_000)),
    # The request line and the target (RFC 9112, 3).
    "a long target": (414, lambda url: get(url + b"a" * 17_000)),
    "a long query": (414, lambda url: get(url + b"?" + b"a" * 17_000)),
    "an unknown scheme": ((400, 501), lambda url: get(url.replace(b"http", b"gopher", 1))),
    "no host in the target": (400, lambda url: b"GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n"),
    "no Host": (400, lambda url: b"GET " + url + b" HTTP/1.1\r\n\r\n"),
    "two Hosts": (400, lambda url: get(url, b"Host: other.example")),
    "no version": (400, lambda url: b"GET " + url + b"\r\nHost: a\r\n\r\n"),
    "a version to come": ((400, 505), lambda url: get(url).replace(b"HTTP/1.1", b"HTTP/3.0")),
    "an asterisk for GET": (400, lambda url: b"GET * HTTP/1.1\r\nHost: a\r\n\r\n"),
    "CONNECT without a port": (400, lambda url: b"CONNECT example.org HTTP/1.1\r\nHost: example.org\r\n\r\n"),
    "CONNECT with a bad port": (400, lambda url: b"CONNECT example.org:99999 HTTP/1.1\r\nHost: example.org\r\n\r\n"),
    "CONNECT with a URL": (400, lambda url: b"CONNECT " + url + b" HTTP/1.1\r\nHost: a\r\n\r\n"),
    "a space in the target": (400, lambda url: get(url + b"a b")),
    "TLS": (400, lambda url: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x55" * 40 + b"\r\n\r\n"),
}


@pytest.mark.parametrize(("statuses", "make"), REFUSED.values(), ids=REFUSED.keys())
async def test_refused(tunnel, origin, statuses, make):
    async with patiently(15), await Connection.open(tunnel.port) as client:
        await client.send(make(origin.url("/never").encode()))
        response = await client.response()
        assert response.status in (statuses if isinstance(statuses, tuple) else (statuses,)), response.raw
        assert 10 < len(response.text.strip()) < 2000, "the body says why"
        # Nothing behind a refused message can be trusted to be a request.
        assert await client.ended() == b""
    assert origin.requests == []


async def test_origin_form_explains_how_to_use_a_proxy(tunnel):
    async with patiently(15), await Connection.open(tunnel.port) as client:
        await client.send(b"GET /index.html HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        response = await client.response()
    assert response.status == 400
    assert "proxy" in response.text.lower()
    assert str(tunnel.port) in response.text or "http_proxy" in response.text.lower(), response.text


BAD_BODIES = {
    "a chunk size that is no number": b"xyz\r\nhello\r\n0\r\n\r\n",
    "a negative chunk size": b"-5\r\nhello\r\n0\r\n\r\n",
    "a chunk size beyond 64 bits": b"fffffffffffffffff5\r\nhello\r\n0\r\n\r\n",
    "no line end after a chunk": b"5\r\nhelloXX0\r\n\r\n",
    "a bare LF after a chunk size": b"5\nhello\r\n0\r\n\r\n",
    "an endless chunk extension": b"5;" + b"a" * 100_000 + b"\r\nhello\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES.keys())
async def test_a_bad_chunked_body_never_looks_complete(tunnel, origin, body):
    completed = []

    @origin.on("/upload")
    async def upload(exchange):
        completed.append(await exchange.read_body())
        await exchange.respond(200)

    async with patiently(15), await Connection.open(tunnel.port) as client:
        await client.send(post(origin.url("/upload").encode(), b"Transfer-Encoding: chunked", body=body))
        answer = await client.ended()
    assert not answer or answer.startswith(b"HTTP/1.1 4"), answer[:200]
    assert completed == []


async def test_a_body_that_is_cut_off_never_looks_complete(tunnel, origin):
    completed = []
    began = asyncio.Event()

    @origin.on("/upload")
    async def upload(exchange):
        began.set()
        completed.append(await exchange.read_body())

    async with patiently(15):
        async with await Connection.open(tunnel.port) as client:
            await client.send(post(origin.url("/upload").encode(), b"Content-Length: 1000", body=b"half"))
            await began.wait()
        while origin.open:
            await asyncio.sleep(0.02)
    assert completed == []


async def test_what_follows_a_refused_connect_is_no_request(tunnel, origin):
    """RFC 9931: who opens a tunnel for somebody else may send what that one says ahead of the answer."""
    inner = request("GET", origin.url("/smuggled"))
    for ahead in (True, False):
        async with patiently(15), await Connection.open(tunnel.port) as client:
            await client.send(wire.head("CONNECT 127.0.0.1:1 HTTP/1.1", [("Host", "127.0.0.1:1")]) + (inner if ahead else b""))
            response = await client.response("CONNECT")
            assert response.status == 502 and response.all("connection") == ["close"]
            if not ahead:
                await client.send(inner)
            assert await client.ended() == b""
    assert origin.requests == []


async def test_a_smuggled_request_is_never_seen(tunnel, origin):
    """The body of a request that could be read in two ways holds another request."""
    inner = request("GET", origin.url("/smuggled"))
    async with patiently(15), await Connection.open(tunnel.port) as client:
        fields = (b"Content-Length: 4", b"Transfer-Encoding: chunked")
        await client.send(post(origin.url("/outer").encode(), *fields, body=b"0\r\n\r\n" + inner))
        await client.ended()
    assert origin.requests == []


async def test_limits_are_not_too_small(tunnel, origin):
    """What is just under the limits passes."""

    @origin.on("/large")
    async def large(exchange):
        await exchange.respond(200, body=str(len(exchange.request.target)).encode())

    async with patiently(15), await Connection.open(tunnel.port) as client:
        fields = [(f"X-{number}", "a" * 1000) for number in range(60)]
        response = await client.request("GET", origin.url("/large"), fields)
        assert response.status == 200
        assert sum(value == "a" * 1000 for _, value in origin.requests[0].fields) == 60
        query = "a" * 15_000
        response = await client.request("GET", origin.url("/large?" + query))
        assert (response.status, response.text) == (200, str(len("/large?" + query)))


async def test_garbage_does_no_harm(tunnel, origin):
    @origin.on("/")
    async def ok(exchange):
        await exchange.respond(200, body=b"fine")

    async def send_garbage(data: bytes):
        async with await Connection.open(tunnel.port) as client:
            try:
                await client.send(data)
                client.writer.write_eof()
            except (wire.Broken, OSError):
                pass
            await client.ended()

    async with patiently(60):
        await asyncio.gather(*(send_garbage(bytes([number]) * size) for number in (0, 10, 13, 32, 65, 255) for size in (1, 1000, 100_000)))
        async with await Connection.open(tunnel.port) as client:
            assert (await client.request("GET", origin.url("/"))).body == b"fine"
