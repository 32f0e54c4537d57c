"""Fields that are changed on their way, on the agent and on the server."""

import pytest

from harness.client import fetch
from harness.processes import run


@pytest.fixture
def echo(origin):
    """Answers with a few fields; what came is in `requests`."""

    @origin.on("/")
    async def ok(exchange):
        await exchange.respond(200, fields=[("Server", "secret/1.0"), ("X-Kept", "1"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")], body=b"hello")

    return origin


CHANGES = {
    "request": {
        "rename": {"X-Old": "X-New"},
        "remove": ["X-Private"],
        "set": {"X-Who": "{identity}", "X-Id": "{request-id}"},
        "add": {"X-Via": "from {client} to {host}"},
    },
    "response": {"remove": ["Server"], "set": {"X-Seen": "yes"}, "rename": {"Set-Cookie": "X-Cookie"}},
}


@pytest.mark.parametrize("where", ["agent", "server"])
async def test_requests_and_responses(make_tunnel, echo, where):
    tunnel = make_tunnel(**{f"{where}_filters": [("headers", CHANGES)]}).start()
    fields = [("X-Old", "1"), ("x-private", "a"), ("X-Private", "b"), ("X-Who", "forged"), ("X-Old", "2"), ("X-Forwarded-For", "1.1.1.1")]
    for _ in range(2):
        response = await fetch(tunnel.port, echo.url("/"), fields=fields)
        assert response.status == 200 and response.body == b"hello"
        assert response.get("server") is None and response.get("x-seen") == "yes"
        assert response.all("x-cookie") == ["a=1", "b=2"] and response.get("set-cookie") is None and response.get("x-kept") == "1"
    request = echo.requests[-1]
    assert request.all("x-new") == ["1", "2"] and request.get("x-old") is None and request.get("x-private") is None
    assert request.all("x-who") == ["client" if where == "server" else "-"]
    assert request.get("x-via") == "from 127.0.0.1 to 127.0.0.1"
    ids = [each.get("x-id") for each in echo.requests]
    assert len(set(ids)) == 2 and all(len(each) == 16 for each in ids)
    # Without a policy nothing is said of the client beyond what it says itself.
    assert request.all("x-forwarded-for") == ["1.1.1.1"]


@pytest.mark.parametrize("where", ["agent", "server"])
@pytest.mark.parametrize("policy, expected", [("off", ["1.1.1.1"]), ("append", ["1.1.1.1, 127.0.0.1"]), ("replace", ["127.0.0.1"]), ("remove", [])])
async def test_forwarded_for(make_tunnel, echo, where, policy, expected):
    tunnel = make_tunnel(**{f"{where}_filters": [("headers", {"forwarded-for": policy})]}).start()
    assert (await fetch(tunnel.port, echo.url("/"), fields=[("X-Forwarded-For", "1.1.1.1"), ("Forwarded", "for=1.1.1.1")])).status == 200
    assert echo.requests[-1].all("x-forwarded-for") == expected
    assert (echo.requests[-1].get("forwarded") is None) == (policy in ("replace", "remove"))


async def test_nothing_of_the_client_is_revealed_by_default(tunnel, echo):
    assert (await fetch(tunnel.port, echo.url("/"))).status == 200
    names = {name.lower() for name, _ in echo.requests[-1].fields}
    assert not names & {"x-forwarded-for", "forwarded", "x-real-ip"}, names


@pytest.mark.parametrize("changes, message", [
    ({"request": {"set": {"Content-Length": "0"}}}, "belongs to one connection or to a message's framing"),
    ({"response": {"remove": ["Connection"]}}, "belongs to one connection or to a message's framing"),
    ({"request": {"rename": {"X-A": "Host"}}}, "belongs to one connection or to a message's framing"),
    ({"request": {"set": {"X-A": "{nobody}"}}}, "'{nobody}' stands for nothing"),
    ({"request": {"set": {"X-A": "one\r\nX-B: two"}}}, "one line of visible characters"),
    ({"request": {"set": {"X A": "b"}}}, "wants a field's name"),
])  # fmt: skip
@pytest.mark.parametrize("where", ["agent", "server"])
async def test_check_refuses(binary, make_tunnel, where, changes, message):
    tunnel = make_tunnel(**{f"{where}_filters": [("headers", changes)]})
    result = await run(binary, "check", tunnel.agent_config if where == "agent" else tunnel.server_config)
    assert result.status == 65 and message in result.text, result.text
