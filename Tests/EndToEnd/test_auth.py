"""Who is let in: passwords, tokens, keys, signed tokens and certificates, on the agent, on the server, and as an origin."""

import asyncio
import base64
import contextlib
import hashlib
import itertools
import json
import os
import pty
import re
import select
import stat
import subprocess
import termios
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from harness.admin import Admin
from harness.client import Connection, fetch
from harness.fluidity import Fluidity, write_configuration
from harness.ports import free_port
from harness.processes import curl, run
from harness.waiting import eventually, patiently

TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def hello(origin):
    """An origin that remembers what came to it."""

    @origin.on("/")
    async def ok(exchange):
        await exchange.respond(200, body=b"hello")

    return origin


@pytest.fixture
async def users(binary, tmp_path):
    file = tmp_path / "users.txt"
    for name, password in (("alice", "open sesame"), ("bob", "pass:wörd")):
        made = await run(binary, "passwd", file, name, stdin=password.encode() + b"\n")
        assert made.status == 0, made.text
    return file


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def auth(*methods: dict, **keys) -> tuple[str, dict]:
    return ("auth", {"methods": list(methods), "failure-delay": "200ms", **keys})


async def says(process, words: str):
    """Waits for what a process logs, while origins in this one go on."""
    await eventually(lambda: words in process.text(), 15, lambda: f"{process.name} prints {words!r}; it printed:\n{process.tail()}")


BEARER = {"bearer": {"tokens": [{"name": "ci", "key": TOKEN}]}}


# `fluidity passwd`


async def test_passwd_makes_a_file_that_only_its_owner_reads(binary, users, tmp_path):
    assert stat.S_IMODE(users.stat().st_mode) == 0o600
    text = users.read_text()
    assert "sesame" not in text
    # The hash is what another program makes of the same password and salt.
    found = re.search(r"^alice:\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([^$]+)\$([^$]+)$", text, re.M)
    cost, block, parallel, salt, key = found.groups()

    def decode(encoded):
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4))

    settings = {"n": 1 << int(cost), "r": int(block), "p": int(parallel), "dklen": len(decode(key)), "maxmem": 1 << 30}
    assert hashlib.scrypt(b"open sesame", salt=decode(salt), **settings) == decode(key)

    users.chmod(0o644)
    changed = await run(binary, "passwd", users, "alice", stdin=b"another\n")
    assert changed.status == 0 and "changed 'alice'" in changed.text
    assert stat.S_IMODE(users.stat().st_mode) == 0o600
    assert users.read_text().count("alice:") == 1 and users.read_text() != text
    gone = await run(binary, "passwd", users, "alice", "--delete")
    assert gone.status == 0 and "alice" not in users.read_text()


@pytest.mark.parametrize("user, password, status", [("alice", b"", 64), ("alice", b"\n", 64), ("a:b", b"x\n", 64), ("#a", b"x\n", 64), ("alice", b"x" * 2000 + b"\n", 64)])
async def test_passwd_refuses(binary, tmp_path, user, password, status):
    refused = await run(binary, "passwd", tmp_path / "users.txt", user, stdin=password)
    assert refused.status == status, refused.text
    assert not (tmp_path / "users.txt").exists()


async def test_passwd_leaves_a_file_alone_that_it_does_not_understand(binary, tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("dear diary\n")
    refused = await run(binary, "passwd", file, "alice", stdin=b"x\n")
    assert refused.status == 65 and "line 1" in refused.text
    assert file.read_text() == "dear diary\n"
    missing = await run(binary, "passwd", tmp_path / "none.txt", "alice", "--delete")
    assert missing.status == 65, missing.text


class Terminal:
    """A program at a terminal of its own."""

    def __init__(self, *command):
        self.master, terminal = pty.openpty()
        self.child = subprocess.Popen([str(part) for part in command], stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True)
        self.terminal = terminal
        self.before = termios.tcgetattr(terminal)
        self.shown = b""

    def until(self, words: bytes):
        while words not in self.shown:
            ready, _, _ = select.select([self.master], [], [], 20)
            assert ready, f"waited for {words!r}, saw {self.shown!r}"
            self.shown += os.read(self.master, 4096)

    def type(self, text: bytes):
        os.write(self.master, text)

    def end(self) -> int:
        status = self.child.wait(20)
        os.set_blocking(self.master, False)
        with contextlib.suppress(BlockingIOError):
            while part := os.read(self.master, 4096):
                self.shown += part
        assert termios.tcgetattr(self.terminal) == self.before, "the terminal is as it was"
        os.close(self.master)
        os.close(self.terminal)
        return status


def ask(binary, file, first: bytes, second: bytes | None = None) -> Terminal:
    terminal = Terminal(binary, "passwd", file, "carol")
    terminal.until(b"password for carol: ")
    terminal.type(first)
    if second is not None:
        terminal.until(b"once more: ")
        terminal.type(second)
    return terminal


async def test_passwd_asks_at_a_terminal(binary, tmp_path, make_tunnel, hello):
    users = tmp_path / "users.txt"
    terminal = ask(binary, users, "öpen sesame\n".encode(), "öpen sesame\n".encode())
    assert terminal.end() == 0
    assert b"added 'carol'" in terminal.shown and b"sesame" not in terminal.shown, terminal.shown
    tunnel = make_tunnel(agent_filters=[auth({"basic": {"users": str(users)}})]).start()
    assert (await fetch(tunnel.port, hello.url("/"), fields=[("Proxy-Authorization", basic("carol", "öpen sesame"))])).status == 200


@pytest.mark.parametrize(
    "typed, words",
    [
        ((b"one\n", b"two\n"), b"the two aren't the same"),
        ((b"\n",), b"the password is empty"),
        # Ctrl-C needs no Return, and Ctrl-D ends an empty line.
        ((b"op\x03",), b"cancelled"),
        ((b"open\n", b"\x03"), b"cancelled"),
        ((b"\x04",), b"the password is empty"),
        ((b"tab\there\n",), b"cancelled"),
    ],
)
def test_passwd_at_a_terminal_changes_its_mind(binary, tmp_path, typed, words):
    users = tmp_path / "users.txt"
    terminal = ask(binary, users, *typed)
    assert terminal.end() == 64 and words in terminal.shown, terminal.shown
    assert not users.exists()


# On the agent


async def test_a_password_on_the_agent(make_tunnel, users, hello):
    tunnel = make_tunnel(agent_filters=[auth({"basic": {"users": str(users)}}, realm="the tunnel")]).start()
    url = hello.url("/")
    asked = await fetch(tunnel.port, url)
    assert asked.status == 407
    assert asked.get("proxy-authenticate") == 'Basic realm="the tunnel", charset="UTF-8"'
    assert hello.requests == []

    for way in ([], ["--proxytunnel"]):
        done = await curl("-x", tunnel.proxy, "--proxy-user", "alice:open sesame", *way, url)
        assert done.output == b"hello", done.text
    other = await fetch(tunnel.port, url, fields=[("Proxy-Authorization", basic("bob", "pass:wörd")), ("Authorization", "for the origin")])
    assert other.status == 200
    # What was said to the proxy stays there, and what was meant for the origin arrives.
    assert all(request.get("proxy-authorization") is None for request in hello.requests)
    assert hello.requests[-1].get("authorization") == "for the origin"
    await says(tunnel.agent, '"client":"alice"')
    await says(tunnel.agent, '"client":"bob"')


async def test_wrong_passwords_are_answered_alike(make_tunnel, users, hello):
    tunnel = make_tunnel(agent_filters=[auth({"basic": {"users": str(users)}})]).start()
    answers = []
    for value in (basic("alice", "wrong"), basic("nobody", "open sesame"), basic("alice", ""), "Basic !!!", "Basic", "Digest x", None):
        fields = [] if value is None else [("Proxy-Authorization", value)]
        answer = await fetch(tunnel.port, hello.url("/"), fields=fields)
        assert answer.status == 407, value
        # The exchange's id is each answer's own.
        answers.append(re.sub(r"exchange [0-9a-f]{16}", "exchange", repr(([field for field in answer.fields if field[0] != "Date"], answer.body))))
    assert all(answer == answers[0] for answer in answers), answers
    assert hello.requests == []


async def test_many_wrong_passwords_leave_room_for_right_ones(make_tunnel, tmp_path, hello):
    """More guesses than are looked at wait or are turned away; somebody who is known already isn't."""
    # The least that is taken, so that a slow machine gets through them.
    salt = b"0123456789abcdef"
    key = hashlib.scrypt(b"open sesame", salt=salt, n=1 << 10, r=8, p=1, dklen=32)
    users = tmp_path / "users.txt"
    users.write_text("alice:$scrypt$ln=10,r=8,p=1$" + "$".join(base64.b64encode(each).decode().rstrip("=") for each in (salt, key)) + "\n")
    tunnel = make_tunnel(agent_filters=[auth({"basic": {"users": str(users)}})]).start()
    right = [("Proxy-Authorization", basic("alice", "open sesame"))]
    # Once on each loop isn't needed: what is remembered is everybody's.
    assert (await fetch(tunnel.port, hello.url("/"), fields=right)).status == 200

    async def guess(number):
        fields = [("Proxy-Authorization", basic("alice", f"guess {number}"))]
        return (await fetch(tunnel.port, hello.url("/"), fields=fields, within=60)).status

    guesses = [asyncio.create_task(guess(number)) for number in range(150)]
    for _ in range(20):
        assert (await fetch(tunnel.port, hello.url("/"), fields=right)).status == 200
    statuses = set(await asyncio.gather(*guesses))
    assert statuses <= {407, 503} and 407 in statuses, statuses
    assert (await fetch(tunnel.port, hello.url("/"), fields=right)).status == 200


async def test_a_change_of_the_users_file_counts(make_tunnel, binary, users, hello):
    tunnel = make_tunnel(agent_filters=[auth({"basic": {"users": str(users)}})]).start()

    async def status(password):
        return (await fetch(tunnel.port, hello.url("/"), fields=[("Proxy-Authorization", basic("alice", password))])).status

    assert await status("open sesame") == 200
    assert (await run(binary, "passwd", users, "alice", stdin=b"changed\n")).status == 0
    await says(tunnel.agent, "was read again")
    assert await status("open sesame") == 407
    assert await status("changed") == 200
    users.write_text("nonsense\n")
    await says(tunnel.agent, "can't be used")
    assert await status("changed") == 200


async def test_tokens_and_keys_on_the_agent(make_tunnel, tmp_path, hello):
    more = tmp_path / "tokens.txt"
    more.write_text(f"# from the vault\ndeploy {TOKEN[::-1]}\n")
    methods = [
        {"bearer": {"tokens": [{"name": "ci", "key": TOKEN}], "file": str(more)}},
        {"api-key": {"header": "X-Tunnel-Key", "keys": [{"name": "old", "key": "a" * 20}, {"name": "new", "key": "b" * 20}]}},
    ]
    tunnel = make_tunnel(agent_filters=[auth(*methods)]).start()

    async def get(*fields):
        return await fetch(tunnel.port, hello.url("/"), fields=fields)

    for fields in ([("Proxy-Authorization", f"Bearer {TOKEN}")], [("Proxy-Authorization", f"Bearer {TOKEN[::-1]}")], [("X-Tunnel-Key", "a" * 20)], [("X-Tunnel-Key", "b" * 20)]):
        assert (await get(*fields)).status == 200, fields
    assert all(request.get("x-tunnel-key") is None for request in hello.requests)
    seen = len(hello.requests)
    for fields in ([("Proxy-Authorization", f"Bearer {TOKEN}x")], [("X-Tunnel-Key", "")], [("X-Tunnel-Key", "c" * 20)], [("Authorization", f"Bearer {TOKEN}")]):
        assert (await get(*fields)).status == 407, fields
    assert len(hello.requests) == seen
    more.write_text("")
    await says(tunnel.agent, "was read again")
    assert (await get(("Proxy-Authorization", f"Bearer {TOKEN[::-1]}"))).status == 407


# Guessers


def cheap_hash(password: str) -> str:
    """One that takes a sixteenth of the time that those of `fluidity passwd` do."""
    key = hashlib.scrypt(password.encode(), salt=b"12345678", n=1 << 13, r=8, p=1, dklen=32)
    return "$scrypt$ln=13,r=8,p=1$" + "$".join(base64.b64encode(part).decode().rstrip("=") for part in (b"12345678", key))


@pytest.mark.parametrize("addresses", [1, 40])
async def test_guessers_keep_nobody_else_out(launch, tmp_path, hello, addresses):
    """Two hundred that send wrong passwords again and again. Who comes with a right one, from an address of his own, is served next."""
    users = tmp_path / "users.txt"
    names = [f"user{number}" for number in range(5)]
    users.write_text("".join(f"{name}:{cheap_hash('open sesame')}\n" for name in names))
    port = free_port()
    stages = [("accept", {"listen": f"127.0.0.1:{port}"}), ("http", {"mode": "proxy"}), auth({"basic": {"users": str(users)}}), ("fetch", {"destinations": "any"})]
    launch(Fluidity("agent", write_configuration(tmp_path / "proxy.yaml", stages), port=port))
    answers: dict[int, int] = {}

    async def guess(number: int):
        async with await Connection.open(port, local_addr=(f"127.0.1.{1 + number % addresses}", 0)) as client:
            for attempt in itertools.count():
                wrong = basic(names[number % 5], f"{number}-{attempt}")
                answer = await client.request("GET", hello.url("/"), [("Proxy-Authorization", wrong)])
                answers[answer.status] = answers.get(answer.status, 0) + 1
                # Those that are turned away would take all of this machine.
                await asyncio.sleep(0.2 if answer.status == 503 else 0)

    guessers = [asyncio.create_task(guess(number)) for number in range(200)]
    try:
        # Of one address there are more than may wait; of many, each has its share.
        turned_away = 10 if addresses == 1 else -1
        await eventually(
            lambda: answers.get(407, 0) > 200 and answers.get(503, 0) > turned_away, 60, lambda: f"guessers are busy: {answers}"
        )
        for number, name in enumerate(names):
            async with patiently(30), await Connection.open(port, local_addr=(f"127.0.2.{1 + number}", 0)) as client:
                answer = await client.request("GET", hello.url("/"), [("Proxy-Authorization", basic(name, "open sesame"))])
                assert answer.status == 200, answer.text
    finally:
        for task in guessers:
            task.cancel()
        ends = await asyncio.gather(*guessers, return_exceptions=True)
    assert all(isinstance(end, asyncio.CancelledError) for end in ends), ends
    assert 407 in answers and set(answers) <= {407, 503}


# On the server, through the tunnel


async def test_certificates_on_the_server(make_tunnel, authority, tmp_path, hello):
    deny = tmp_path / "denied.txt"
    deny.write_text("# nobody yet\n")
    method = {"client-certificate": {"allow": ["cn:client", "dns:*.agents.example"], "deny-file": str(deny)}}
    tunnel = make_tunnel(server_filters=[auth(method)]).start()
    assert (await fetch(tunnel.port, hello.url("/"))).status == 200
    # The tunnel stays open; what comes through it from now on doesn't.
    deny.write_text("cn:client\n")
    await says(tunnel.server, "was read again")
    refused = await fetch(tunnel.port, hello.url("/"))
    assert refused.status == 403 and refused.text.startswith("you are not allowed here\n(the server, stage 'auth', exchange ")
    assert (await (await Connection.open(tunnel.port)).connect(hello.authority)).status == 403

    other = make_tunnel(client=authority.issue("stranger"), server_filters=[auth(method)]).start()
    assert (await fetch(other.port, hello.url("/"))).status == 403
    named = make_tunnel(client=authority.issue("laptop", dns=("laptop.agents.example",)), server_filters=[auth(method)]).start()
    assert (await fetch(named.port, hello.url("/"))).status == 200
    assert len(hello.requests) == 2


@pytest.mark.parametrize("pattern", ["subject:CN=ann", "cn:a*", "dns:*.agents.example", "uri:spiffe://agents.example/*", "key:HASH"])
@pytest.mark.parametrize("side", ["server", "proxy"])
async def test_what_a_certificate_is_known_by(launch, make_tunnel, authority, server_identity, tmp_path, hello, pattern, side):
    """Allowed and denied, behind a tunnel and by a proxy that is spoken to over TLS."""
    ann = authority.issue("ann", dns=("laptop.agents.example",), uris=("spiffe://agents.example/ann",))
    bob = authority.issue("bob", dns=("laptop.others.example",), uris=("spiffe://others.example/bob",))
    key = x509.load_pem_x509_certificate(ann.certificate.read_bytes()).public_key()
    info = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    pattern = pattern.replace("HASH", hashlib.sha256(info).hexdigest())
    for rule, statuses in (("allow", {"ann": 200, "bob": 403}), ("deny", {"ann": 403, "bob": 200})):
        method = auth({"client-certificate": {rule: [pattern]}})
        admin = Admin(free_port())
        if side == "proxy":
            port = free_port()
            stages = [("accept", {"listen": f"127.0.0.1:{port}"}), ("mtls", server_identity.settings()), ("http", {"mode": "proxy"}), method, ("fetch", {"destinations": "any"})]
            launch(Fluidity("agent", write_configuration(tmp_path / f"{rule}.yaml", stages, admin=admin.settings), port=port))
        for identity, name in ((ann, "ann"), (bob, "bob")):
            if side == "server":
                tunnel = make_tunnel(client=identity, server_filters=[method], server_top={"admin": admin.settings}).start()
                status = (await fetch(tunnel.port, hello.url("/"))).status
                counted = await admin.metrics()
                tunnel.kill()
            else:
                proxy = ["-x", f"https://localhost:{port}", "--proxy-cacert", identity.ca, "--proxy-cert", identity.certificate, "--proxy-key", identity.key]
                done = await curl(*proxy, "-o", tmp_path / "body", "-w", "%{http_code}", hello.url("/"))
                status = int(done.output)
                counted = await admin.metrics()
            # An identity that no pattern allows is as good as none, and one that is denied is refused whatever else there is.
            assert status == statuses[name] or (rule, name, side, status) == ("allow", "bob", "proxy", 407), (rule, name, status)
            total = "fluidity_auth_accepted_total" if status == 200 else "fluidity_auth_refused_total"
            assert counted.sum(total, stage="auth") == 1


async def test_an_ordinary_field_carries_a_key_through_the_tunnel(make_tunnel, users, hello):
    methods = [
        {"api-key": {"header": "X-Tunnel-Key", "keys": [{"name": "ci", "key": TOKEN}]}},
        {"basic": {"users": str(users), "header": "X-Tunnel-User"}},
    ]
    tunnel = make_tunnel(server_filters=[auth(*methods)]).start()
    # Nobody can ask through the tunnel: the refusal isn't a 407, which a client would answer in vain.
    refused = await fetch(tunnel.port, hello.url("/"), fields=[("Proxy-Authorization", basic("alice", "open sesame"))])
    assert refused.status == 403 and refused.get("proxy-authenticate") is None
    assert (await fetch(tunnel.port, hello.url("/"), fields=[("X-Tunnel-Key", TOKEN + "x")])).status == 403
    for field in (("X-Tunnel-Key", TOKEN), ("X-Tunnel-User", basic("bob", "pass:wörd"))):
        assert (await fetch(tunnel.port, hello.url("/"), fields=[field])).status == 200, field
        assert hello.requests[-1].get(field[0].lower()) is None
    await says(tunnel.server, '"client":"ci"')
    await says(tunnel.server, '"client":"bob"')
    async with await Connection.open(tunnel.port) as client:
        await client.send(f"CONNECT {hello.authority} HTTP/1.1\r\nHost: {hello.authority}\r\nX-Tunnel-Key: {TOKEN}\r\n\r\n".encode())
        assert (await client.response("CONNECT")).status == 200


# SOCKS5


async def test_a_password_that_comes_by_socks(launch, tmp_path, users, hello):
    port = free_port()
    stages = [("accept", {"listen": f"127.0.0.1:{port}"}), ("socks", {}), auth({"basic": {"users": str(users)}}), ("fetch", {"destinations": "any"})]
    launch(Fluidity("agent", write_configuration(tmp_path / "socks.yaml", stages), port=port))
    proxy = ["--proxy", f"socks5h://127.0.0.1:{port}"]
    done = await curl(*proxy, "--proxy-user", "alice:open sesame", hello.url("/"))
    assert done.output == b"hello", done.text
    for arguments in (["--proxy-user", "alice:wrong"], ["--proxy-user", "nobody:x"], []):
        refused = await curl(*proxy, *arguments, hello.url("/"))
        assert refused.status == 97, refused.text
    assert len(hello.requests) == 1


# As an origin


async def test_an_origin_asks_with_401(launch, tmp_path, users, hello):
    port = free_port()
    stages = [("accept", {"listen": f"127.0.0.1:{port}"}), ("http", {"mode": "origin"}), auth({"basic": {"users": str(users)}}, BEARER), ("fetch", {"destinations": "any"})]
    launch(Fluidity("server", write_configuration(tmp_path / "origin.yaml", stages), port=port))

    async def get(*fields):
        async with await Connection.open(port) as client:
            lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
            await client.send(f"GET / HTTP/1.1\r\nHost: {hello.authority}\r\n{lines}\r\n".encode())
            return await client.response()

    asked = await get()
    assert asked.status == 401
    assert [value for name, value in asked.fields if name.lower() == "www-authenticate"] == ['Basic realm="fluidity", charset="UTF-8"', 'Bearer realm="fluidity"']
    assert (await get(("Authorization", basic("alice", "wrong")))).status == 401
    assert (await get(("Proxy-Authorization", basic("alice", "wrong")))).status == 401
    assert (await get(("Authorization", basic("alice", "open sesame")))).status == 200
    assert (await get(("Authorization", f"Bearer {TOKEN}"))).status == 200
    assert all(request.get("authorization") is None for request in hello.requests)


# Signed tokens


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer:
    """Signs tokens with RS256 and ES256, and publishes its keys."""

    def __init__(self, name: str):
        self.name = name
        self.rsa = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.ec = ec.generate_private_key(ec.SECP256R1())

    def keys(self) -> dict:
        numbers = self.rsa.public_key().public_numbers()
        point = self.ec.public_key().public_numbers()
        return {
            "keys": [
                {"kty": "RSA", "use": "sig", "kid": f"{self.name}-rsa", "n": encode(numbers.n.to_bytes(256, "big")), "e": encode(b"\x01\x00\x01")},
                {"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": f"{self.name}-ec", "x": encode(point.x.to_bytes(32, "big")), "y": encode(point.y.to_bytes(32, "big"))},
            ]
        }

    def token(self, algorithm: str = "ES256", **claims) -> str:
        now = int(time.time())
        payload = {"iss": "https://issuer.example", "aud": "tunnel", "sub": "alice", "exp": now + 600, **claims}
        header = {"alg": algorithm, "kid": f"{self.name}-{'ec' if algorithm == 'ES256' else 'rsa'}"}
        signed = f"{encode(json.dumps(header).encode())}.{encode(json.dumps(payload).encode())}"
        if algorithm == "ES256":
            r, s = utils.decode_dss_signature(self.ec.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
            signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        elif algorithm == "RS256":
            signature = self.rsa.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        else:
            signature = self.rsa.sign(signed.encode(), padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
        return f"{signed}.{encode(signature)}"


def jwt(**keys) -> dict:
    return {"jwt": {"issuer": "https://issuer.example", "audience": ["tunnel"], "clock-skew": "5s", **keys}}


async def test_signed_tokens_on_the_agent(make_tunnel, tmp_path, hello):
    issuer = Issuer("one")
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps(issuer.keys()))
    tunnel = make_tunnel(agent_filters=[auth(jwt(keys=str(file), algorithms=["ES256", "RS256"]))]).start()

    async def status(token):
        return (await fetch(tunnel.port, hello.url("/"), fields=[("Proxy-Authorization", f"Bearer {token}")])).status

    now = int(time.time())
    assert await status(issuer.token()) == 200
    assert await status(issuer.token("RS256")) == 200
    assert await status(issuer.token(aud=["x", "tunnel"])) == 200
    bad = [
        issuer.token("PS256"), issuer.token(iss="https://evil.example"), issuer.token(aud="other"), issuer.token(exp=now - 60),
        issuer.token(nbf=now + 600), issuer.token(sub="a\nb"), Issuer("one").token(), "x", "a.b.c", "..", issuer.token()[:-4] + "AAAA",
    ]  # fmt: skip
    for token in bad:
        assert await status(token) == 407, token
    assert all(request.get("proxy-authorization") is None for request in hello.requests)
    await says(tunnel.agent, '"client":"alice"')
    other = Issuer("two")
    file.write_text(json.dumps(other.keys()))
    await says(tunnel.agent, "was read again")
    assert await status(issuer.token()) == 407
    assert await status(other.token()) == 200


async def test_signed_tokens_on_the_server_with_published_keys(make_tunnel, make_origin, hello):
    first, second = Issuer("one"), Issuer("two")
    published = {"status": 200, "keys": first.keys()}
    keys = await make_origin()

    @keys.on("/jwks.json")
    async def publish(exchange):
        await exchange.respond(published["status"], body=json.dumps(published["keys"]).encode())

    method = jwt(**{"keys-url": keys.url("/jwks.json"), "header": "X-Tunnel-Token", "refresh": "10s"})
    # Apart from this loop, on which the origin answers the server that fetches the keys while it starts.
    tunnel = make_tunnel(server_filters=[auth(method)])
    await asyncio.to_thread(tunnel.start)

    async def status(issuer, **claims):
        return (await fetch(tunnel.port, hello.url("/"), fields=[("X-Tunnel-Token", issuer.token(**claims))])).status

    assert await status(first) == 200
    assert await status(second) == 403
    assert hello.requests[-1].get("x-tunnel-token") is None
    # The issuer begins to sign with another key: one who comes with it makes the server look again.
    published["keys"] = {"keys": first.keys()["keys"] + second.keys()["keys"]}

    async def accepted():
        return await status(second) == 200

    await eventually(accepted, 30, "the new key is taken")
    # It can't be reached any more: the keys that are known go on counting.
    published["status"] = 500
    asked = len(keys.requests)
    await eventually(lambda: len(keys.requests) > asked, 30, "the server asks again")
    await says(tunnel.server, "go on counting")
    assert await status(first, jti="another") == 200
    assert await status(second, jti="another") == 200


async def test_without_any_key_nothing_can_be_checked(make_tunnel, hello):
    method = jwt(**{"keys-url": f"http://127.0.0.1:{free_port()}/jwks.json"})
    tunnel = make_tunnel(agent_filters=[auth(method)]).start()
    answer = await fetch(tunnel.port, hello.url("/"), fields=[("Proxy-Authorization", f"Bearer {Issuer('one').token()}")])
    assert answer.status == 503 and answer.get("retry-after") == "2"
    assert (await fetch(tunnel.port, hello.url("/"))).status == 407


# Files that can't be used


@pytest.mark.parametrize("method, text, message", [
    ({"basic": {"users": "FILE"}}, "alice:secret\n", "line 1: what follows 'alice:' is no hash"),
    ({"bearer": {"file": "FILE"}}, "only-a-name\n", "line 1 is not NAME KEY"),
    ({"api-key": {"header": "X-Key", "file": "FILE"}}, "a b c\n", "line 1 is not NAME KEY"),
    (jwt(keys="FILE"), "{}", "is no JSON Web Key Set"),
    (jwt(keys="FILE"), '{"keys": []}', "has no key that can verify signatures"),
])  # fmt: skip
async def test_check_reads_the_files(binary, tmp_path, method, text, message):
    file = tmp_path / "file.txt"
    file.write_text(text)
    filled = json.loads(json.dumps(method).replace("FILE", str(file)))
    stages = [("accept", {"listen": "127.0.0.1:1"}), ("http", {}), ("auth", {"methods": [filled]}), ("fetch", {})]
    result = await run(binary, "check", write_configuration(tmp_path / "bad.yaml", stages))
    assert result.status == 65, result.text
    assert message in result.text and "bad.yaml:" in result.text
