"""What passes through the `http` stage unchanged, what is rebuilt, and what stays behind."""

import asyncio
import email.utils
import time

import pytest

from harness import wire
from harness.client import Connection, fetch, request
from harness.waiting import patiently


@pytest.fixture
def ok(origin):
    @origin.on("/")
    async def answer(exchange):
        await exchange.read_body()
        await exchange.respond(200, [("X-Origin", "yes")], b"fine")

    return origin


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "X-MINE", "get"])
async def test_any_method(tunnel, ok, method):
    response = await fetch(tunnel.port, ok.url("/"), method, body=b"body")
    assert (response.status, response.body) == (200, b"fine")
    (seen,) = ok.requests
    assert (seen.method, seen.target, seen.body) == (method, "/", b"body")
    assert seen.start.endswith("HTTP/1.1")


@pytest.mark.parametrize("target", ["/?", "/?a=b&c=%20%2F", "/a//b/../c", "/%7Euser/%E2%82%AC", "/a;b=c", "/path?x=http://y/z", "/!$&'()*+,=:@"])
async def test_the_target_arrives_as_it_is(tunnel, origin, target):
    await fetch(tunnel.port, origin.url(target))
    assert origin.paths() == [target]


async def test_a_url_without_path(tunnel, ok):
    async with patiently(15), await Connection.open(tunnel.port) as client:
        response = await client.request("GET", f"http://{ok.authority}")
        assert response.status == 200
        await client.request("GET", f"http://{ok.authority}?query")
    assert ok.paths() == ["/", "/?query"]


async def test_host_is_that_of_the_target(tunnel, ok):
    """RFC 9112, 3.2.2: a proxy replaces the Host field that it got by the host of the target."""
    raw = wire.head(f"GET {ok.url('/')} HTTP/1.1", [("Host", "other.example")])
    async with patiently(15), await Connection.open(tunnel.port) as client:
        await client.send(raw)
        assert (await client.response()).status == 200
    assert ok.requests[0].all("host") == [ok.authority]


async def test_a_response_has_a_date(tunnel, origin):
    """RFC 9110, 6.6.1: who passes on a response without one says when it came; so does who makes one."""
    theirs = "Sun, 06 Nov 1994 08:49:37 GMT"

    @origin.on("/dated")
    async def dated(exchange):
        await exchange.send(wire.head("HTTP/1.1 200 OK", [("date", theirs), ("Content-Length", "0")]))

    @origin.on("/undated")
    async def undated(exchange):
        await exchange.send(wire.head("HTTP/1.1 103 Early Hints", []) + wire.head("HTTP/1.1 204 No Content", []))

    assert (await fetch(tunnel.port, origin.url("/dated"))).all("date") == [theirs]
    for url in (origin.url("/undated"), "http://127.0.0.1:1/", "gopher://x/"):
        (date,) = (await fetch(tunnel.port, url)).all("date")
        assert abs(email.utils.parsedate_to_datetime(date).timestamp() - time.time()) < 60


@pytest.mark.parametrize(("method", "value", "arrives"), [("OPTIONS", "3", "2"), ("TRACE", "1", "0"), ("GET", "3", "3"), ("OPTIONS", "x", "x")])
async def test_how_far_a_request_may_go(tunnel, ok, method, value, arrives):
    """RFC 9110, 7.6.2."""
    assert (await fetch(tunnel.port, ok.url("/"), method, [("Max-Forwards", value)])).status == 200
    assert ok.requests[0].all("max-forwards") == [arrives]


async def test_a_request_that_is_to_go_no_further(tunnel, ok):
    async with patiently(15), await Connection.open(tunnel.port) as client:
        for method, status in (("OPTIONS", 200), ("TRACE", 405), ("OPTIONS", 200)):
            response = await client.request(method, ok.url("/"), [("Max-Forwards", "0")])
            assert response.status == status and "OPTIONS" in response.get("allow")
    assert ok.requests == []


async def test_the_names_of_those_on_the_way(make_tunnel, origin):
    """RFC 9110, 7.6.3: a proxy that has a name says it both ways, behind those that came before."""

    @origin.on("/")
    async def answer(exchange):
        await exchange.respond(200, [("Via", "1.1 theirs")], b"fine")

    tunnel = make_tunnel(agent={"http": {"via": "ours"}}).start()
    async with patiently(20), await Connection.open(tunnel.port) as client:
        response = await client.request("GET", origin.url("/"), [("Via", "1.0 somebody (a, b)")])
    assert response.all("via") == ["1.1 theirs", "1.1 ours"]
    assert origin.requests[0].all("via") == ["1.0 somebody (a, b)", "1.1 ours"]


async def test_a_request_that_comes_round(make_tunnel, origin):
    """RFC 9110, 7.6: a gateway that its own origin leads to doesn't ask itself for ever."""

    @origin.on("/")
    async def answer(exchange):
        await exchange.respond(200, body=b"fine")

    tunnel = make_tunnel(agent={"http": {"mode": "origin"}}).start()

    async def ask(host: str):
        async with patiently(20), await Connection.open(tunnel.port) as client:
            await client.send(wire.head("GET / HTTP/1.1", [("Host", host)]))
            return await client.response()

    response = await ask(f"127.0.0.1:{tunnel.port}")
    assert response.status == 508 and "round" in response.text
    assert (await ask(origin.authority)).status == 200
    (via,) = origin.requests[0].all("via")
    assert via.startswith("1.1 fluidity-")


HOP_BY_HOP = [
    ("Connection", "keep-alive, X-Secret-Hop, x-other-hop"),
    ("X-Secret-Hop", "1"),
    ("X-Other-Hop", "2"),
    ("Keep-Alive", "timeout=5"),
    ("Proxy-Connection", "keep-alive"),
    ("Proxy-Authorization", "Basic c2VjcmV0"),
    ("Proxy-Authenticate", "Basic"),
    ("TE", "gzip"),
]


async def test_hop_by_hop_fields_stay_behind(tunnel, ok):
    response = await fetch(tunnel.port, ok.url("/"), fields=[("X-Before", "1"), *HOP_BY_HOP, ("X-After", "2")])
    assert response.status == 200
    (seen,) = ok.requests
    names = [name.lower() for name, _ in seen.fields]
    assert [name for name, _ in HOP_BY_HOP if name.lower() in names and name != "Connection"] == []
    assert "hop" not in (seen.get("connection") or "").lower()
    assert (seen.get("x-before"), seen.get("x-after")) == ("1", "2")


async def test_hop_by_hop_fields_of_a_response_stay_behind(tunnel, origin):
    hop_by_hop = [("Connection", "X-Internal"), ("X-Internal", "1"), ("Keep-Alive", "timeout=5"), ("Proxy-Authenticate", "Basic")]

    @origin.on("/")
    async def answer(exchange):
        await exchange.respond(200, [("X-Before", "1"), *hop_by_hop, ("X-After", "2")], b"fine")

    response = await fetch(tunnel.port, origin.url("/"))
    names = [name.lower() for name, _ in response.fields]
    assert "x-internal" not in names and "keep-alive" not in names and "proxy-authenticate" not in names
    assert "x-internal" not in (response.get("connection") or "").lower()
    assert (response.get("x-before"), response.get("x-after")) == ("1", "2")


END_TO_END = [
    ("Accept", "text/html"),
    ("x-lower", "a"),
    ("X-UPPER", "b"),
    ("X-Twice", "first"),
    ("X-Between", ""),
    ("X-Twice", "second"),
    ("Cookie", "a=b; c=d"),
    ("Authorization", "Bearer token"),
    ("Cache-Control", "no-cache"),
    ("Via", "1.0 somebody"),
    ("X-Blanks", "a  b\tc"),
    ("X-Latin", "caf\xe9 \xff"),
    ("Set-Cookie", "a=1"),
    ("Set-Cookie", "b=2"),
    ("Accept", "text/plain"),
]
_SENT = {name.lower() for name, _ in END_TO_END}


def end_to_end(message) -> list[tuple[str, str]]:
    """The fields of a message that the test sent. A proxy may add itself to Via, so only the start of that counts."""
    return [(name, value.split(",")[0] if name == "Via" else value) for name, value in message.fields if name.lower() in _SENT]


async def test_end_to_end_fields_survive(tunnel, origin):
    @origin.on("/")
    async def answer(exchange):
        await exchange.respond(200, END_TO_END, b"fine")

    response = await fetch(tunnel.port, origin.url("/"), fields=END_TO_END)
    assert end_to_end(origin.requests[0]) == END_TO_END
    assert end_to_end(response) == END_TO_END


async def test_nothing_is_added_that_tells_of_the_client(tunnel, ok):
    await fetch(tunnel.port, ok.url("/"))
    names = {name.lower() for name, _ in ok.requests[0].fields}
    assert not names & {"x-forwarded-for", "forwarded", "x-real-ip", "user-agent", "accept-encoding"}, names


async def test_100_continue(tunnel, origin):
    """The client sends its body only when the origin has asked for it."""

    @origin.on("/upload")
    async def upload(exchange):
        assert exchange.request.get("expect") == "100-continue"
        await exchange.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        await exchange.respond(200, body=await exchange.read_body())

    async with patiently(15), await Connection.open(tunnel.port) as client:
        fields = [("Host", origin.authority), ("Expect", "100-continue"), ("Content-Length", "5")]
        await client.send(wire.head(f"POST {origin.url('/upload')} HTTP/1.1", fields))
        assert (await client.head()).status == 100
        await client.send(b"hello")
        response = await client.response()
    assert (response.status, response.body) == (200, b"hello")


async def test_a_refusal_instead_of_100_continue(tunnel, origin):
    @origin.on("/upload")
    async def upload(exchange):
        await exchange.respond(413, [("Connection", "close")], b"too large")
        exchange.close()

    async with patiently(15), await Connection.open(tunnel.port) as client:
        fields = [("Host", origin.authority), ("Expect", "100-continue"), ("Content-Length", "5")]
        await client.send(wire.head(f"POST {origin.url('/upload')} HTTP/1.1", fields))
        response = await client.response()
    assert (response.status, response.body, response.interim) == (413, b"too large", [])


async def test_early_hints(tunnel, origin):
    seen = asyncio.Event()

    @origin.on("/")
    async def answer(exchange):
        await exchange.send(wire.head("HTTP/1.1 103 Early Hints", [("Link", "</a.css>; rel=preload"), ("Link", "</b.js>; rel=preload")]))
        await seen.wait()
        await exchange.send(wire.head("HTTP/1.1 103 Early Hints", [("Link", "</c.png>; rel=preload")]))
        await exchange.respond(200, body=b"fine")

    async with patiently(15), await Connection.open(tunnel.port) as client:
        await client.send(request("GET", origin.url("/")))
        hints = await client.head()
        assert hints.status == 103 and hints.all("link") == ["</a.css>; rel=preload", "</b.js>; rel=preload"]
        seen.set()
        response = await client.response()
    assert [each.status for each in response.interim] == [103]
    assert (response.status, response.body) == (200, b"fine")


async def test_trailers(tunnel, origin):
    trailers = [("X-Sum", "abc"), ("X-Count", "2")]

    @origin.on("/")
    async def answer(exchange):
        await exchange.read_body()
        await exchange.send(wire.head("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked"), ("Trailer", "X-Sum, X-Count")]))
        await exchange.send(wire.chunk(b"fine") + wire.last_chunk(trailers))

    async with patiently(15), await Connection.open(tunnel.port) as client:
        te = [("TE", "trailers"), ("Connection", "TE")]
        fields = [("Host", origin.authority), ("Transfer-Encoding", "chunked"), ("Trailer", "X-Sum, X-Count"), *te]
        await client.send(wire.head(f"POST {origin.url('/')} HTTP/1.1", fields) + wire.chunk(b"hello") + wire.last_chunk(trailers))
        response = await client.response()
    assert (origin.requests[0].body, origin.requests[0].trailers) == (b"hello", trailers)
    assert (response.body, response.trailers) == (b"fine", trailers)
    assert response.get("trailer") == "X-Sum, X-Count"


BODILESS = {
    "HEAD with a length": ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n"),
    "HEAD of a chunked body": ("HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "HEAD without a length": ("HEAD", b"HTTP/1.1 200 OK\r\n\r\n"),
    "204": ("GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
    "304": ("GET", b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n'),
    "304 with a length": ("GET", b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 1234\r\n\r\n'),
    "an empty body": ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
}


@pytest.mark.parametrize(("method", "answer"), BODILESS.values(), ids=BODILESS.keys())
async def test_no_body(tunnel, origin, method, answer):
    """The next response on the connection starts right behind the head."""

    @origin.on("/bodiless")
    async def bodiless(exchange):
        await exchange.send(answer)

    @origin.on("/next")
    async def following(exchange):
        await exchange.respond(200, body=b"next")

    async with patiently(15), await Connection.open(tunnel.port) as client:
        await client.send(request(method, origin.url("/bodiless")))
        head = await client.head()
        assert head.status == int(answer.split()[1])
        if b"1234" in answer:
            assert head.get("content-length") == "1234"
        if head.status == 204:
            assert head.get("content-length") is None and not head.chunked
        assert (await client.request("GET", origin.url("/next"))).body == b"next"


FRAMINGS = {
    "counted": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;ext=1\r\nhe\r\n003\r\nllo\r\n0\r\n\r\n",
    "until the end": b"HTTP/1.1 200 OK\r\n\r\nhello",
    "HTTP/1.0 until the end": b"HTTP/1.0 200 OK\r\n\r\nhello",
    "HTTP/1.0 counted": b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "no reason": b"HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\nhello",
}


@pytest.mark.parametrize("answer", FRAMINGS.values(), ids=FRAMINGS.keys())
async def test_framing_is_rebuilt(tunnel, origin, answer):
    @origin.on("/")
    async def raw(exchange):
        await exchange.send(answer)
        exchange.close()

    async with patiently(15), await Connection.open(tunnel.port) as client:
        for _ in range(2):  # the client's connection is good for more, whatever the origin's is
            response = await client.request("GET", origin.url("/"))
            assert (response.status, response.body) == (200, b"hello")
            assert response.start.startswith("HTTP/1.1 ")
            assert len(response.all("content-length")) + len(response.all("transfer-encoding")) == 1


async def test_a_client_of_http_1_0(tunnel, origin):
    """Gets no chunks and the end of the connection as the end of the body."""

    @origin.on("/")
    async def chunked(exchange):
        await exchange.send(wire.head("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked")]) + wire.chunk(b"hello") + wire.last_chunk())

    async with patiently(15), await Connection.open(tunnel.port) as client:
        await client.send(wire.head(f"GET {origin.url('/')} HTTP/1.0"))
        head = await client.head()
        assert head.status == 200 and not head.chunked
        assert await client.reader.read() == b"hello"


async def test_a_proxy_keeps_no_connection_of_http_1_0(tunnel, ok):
    """RFC 9112, 9.3."""
    async with patiently(15), await Connection.open(tunnel.port) as client:
        await client.send(wire.head(f"GET {ok.url('/')} HTTP/1.0", [("Connection", "keep-alive")]))
        response = await client.response()
        assert response.body == b"fine" and response.all("connection") == ["close"]
        assert await client.ended() == b""


async def test_keep_alive_with_changing_origins(tunnel, make_origin):
    origins = [await make_origin() for _ in range(3)]
    for number, origin in enumerate(origins):

        @origin.on("/who")
        async def who(exchange, number=number):
            await exchange.respond(200, body=f"origin {number}, {await exchange.read_body()}".encode())

    async with patiently(30), await Connection.open(tunnel.port) as client:
        for turn in range(30):
            number = turn * 7 % 3
            body = b"turn %d" % turn if turn % 2 else None
            response = await client.request("POST" if body else "GET", origins[number].url("/who"), body=body)
            assert response.text == f"origin {number}, {body or b''}"
    assert [len(origin.requests) for origin in origins] == [10, 10, 10]
    assert sum(origin.connections for origin in origins) < 30, "connections to origins are used again"


async def test_connection_close_is_obeyed(tunnel, ok):
    async with patiently(15), await Connection.open(tunnel.port) as client:
        response = await client.request("GET", ok.url("/"), [("Connection", "close")])
        assert response.body == b"fine"
        assert await client.ended() == b""


async def test_pipelining(tunnel, make_origin):
    """Answers come in the order of the requests, whichever origin is faster."""
    origins = [await make_origin() for _ in range(2)]
    release = asyncio.Event()

    @origins[0].on("/item/*")
    async def slow(exchange):
        await release.wait()
        await exchange.respond(200, body=b"slow " + exchange.request.target.encode())

    @origins[1].on("/item/*")
    async def fast(exchange):
        await exchange.respond(200, body=b"fast " + exchange.request.target.encode() + b" " + await exchange.read_body())

    async with patiently(30), await Connection.open(tunnel.port) as client:
        requests = [
            request("POST", origins[1].url(f"/item/{number}"), body=b"body %d" % number) if number % 2 else request("GET", origins[0].url(f"/item/{number}"))
            for number in range(20)
        ]
        await client.send(b"".join(requests))
        release.set()
        for number in range(20):
            response = await client.response()
            expected = f"fast /item/{number} body {number}" if number % 2 else f"slow /item/{number}"
            assert response.text == expected


async def test_requests_that_arrive_byte_by_byte(tunnel, ok):
    async with patiently(30), await Connection.open(tunnel.port) as client:
        for byte in request("POST", ok.url("/"), [("X-A", "1")], b"hello"):
            await client.send(bytes([byte]))
        assert (await client.response()).body == b"fine"
    assert ok.requests[0].body == b"hello"


async def test_health_of_a_site_is_the_site_s(tunnel, make_origin):
    """No path belongs to the proxy."""
    for path in ["/health", "/healthz", "/metrics", "/status", "/ready"]:
        for number in range(2):
            origin = await make_origin()

            @origin.on(path)
            async def health(exchange, number=number):
                await exchange.respond(503 if number else 200, body=f"health of site {number}".encode())

            response = await fetch(tunnel.port, origin.url(path))
            assert (response.status, response.text) == (503 if number else 200, f"health of site {number}")
            assert origin.paths() == [path]


async def test_redirects_are_the_client_s_business(tunnel, origin):
    @origin.on("/from")
    async def redirect(exchange):
        await exchange.respond(302, [("Location", origin.url("/to"))], b"over there")

    response = await fetch(tunnel.port, origin.url("/from"))
    assert (response.status, response.get("location"), response.body) == (302, origin.url("/to"), b"over there")
    assert origin.paths() == ["/from"]


async def test_a_client_that_leaves_ends_its_request(tunnel, origin):
    left = asyncio.get_running_loop().create_future()

    @origin.on("/slow")
    async def slow(exchange):
        try:
            left.set_result(await exchange.reader.read())
        except ConnectionError:
            left.set_result(b"")
        exchange.close()

    async with patiently(15):
        client = await Connection.open(tunnel.port)
        await client.send(request("GET", origin.url("/slow")))
        while not origin.requests:
            await asyncio.sleep(0.02)
        client.abort()
        assert await left == b"", "the origin's connection ends too"


async def test_a_response_before_the_end_of_the_request(tunnel, origin):
    """An origin that answers early is heard, although the upload isn't over."""

    @origin.on("/upload")
    async def upload(exchange):
        await exchange.respond(403, [("Connection", "close")], b"no uploads")
        exchange.close()

    async with patiently(15), await Connection.open(tunnel.port) as client:
        fields = [("Host", origin.authority), ("Transfer-Encoding", "chunked")]
        await client.send(wire.head(f"POST {origin.url('/upload')} HTTP/1.1", fields) + wire.chunk(b"first"))
        response = await client.response()
    assert (response.status, response.body) == (403, b"no uploads")


async def test_a_space_before_a_colon(tunnel, origin):
    """RFC 9112, 5.1: it is taken out of a response, and a request that has it is refused."""

    @origin.on("/")
    async def answer(exchange):
        head = b"HTTP/1.1 200 OK\r\nX-One : 1; mode=block\r\nX-Two\t: 2\r\nTransfer-Encoding : chunked\r\n\r\n"
        await exchange.send(head + b"2\r\nok\r\n0\r\nX-Three : 3\r\n\r\n")

    response = await fetch(tunnel.port, origin.url("/"))
    assert (response.status, response.body) == (200, b"ok")
    assert (response.get("X-One"), response.get("X-Two")) == ("1; mode=block", "2") and response.trailers == [("X-Three", "3")]
    async with patiently(15), await Connection.open(tunnel.port) as client:
        await client.send(wire.head(f"GET {origin.url('/')} HTTP/1.1", [("Host", "x"), ("X-One ", "1")]))
        assert (await client.response()).status == 400
    assert len(origin.requests) == 1


async def test_padded_chunk_sizes(tunnel, origin):
    """Blanks around a chunk's extension (RFC 9112, 7.1.1), and those with which servers pad a size; more of them than extensions may have."""
    count = 10_000

    @origin.on("/")
    async def answer(exchange):
        body = await exchange.read_body()
        head = wire.head("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked")])
        await exchange.send(head + b"2 ; a = b\r\nok\r\n" + b"1       \r\n.\r\n" * count + b"%x  \r\n" % len(body) + body + b"\r\n0 \r\n\r\n")

    async with patiently(30), await Connection.open(tunnel.port) as client:
        await client.send(wire.head(f"POST {origin.url('/')} HTTP/1.1", [("Host", "x"), ("Transfer-Encoding", "chunked")]))
        await client.send(b"3  \r\nabc\r\n2\t;x\r\nde\r\n0\r\n\r\n")
        response = await client.response()
    assert (response.status, response.body) == (200, b"ok" + b"." * count + b"abcde")


async def test_a_reason_arrives_as_it_is(tunnel, origin):
    @origin.on("/")
    async def answer(exchange):
        await exchange.send(b"HTTP/1.1 404 Introuvable \xe9\xff\r\nContent-Length: 0\r\n\r\n")

    assert (await fetch(tunnel.port, origin.url("/"))).raw.split(b"\r\n")[0] == b"HTTP/1.1 404 Introuvable \xe9\xff"
