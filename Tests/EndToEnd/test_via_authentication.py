"""The ways to say to a company's proxy who one is, and proxies behind TLS: squid, a KDC and a verifier of NTLM, each of which also refuses."""

import asyncio
import contextlib
import hashlib
import re
import shutil
import subprocess
import urllib.parse

import pytest

from harness.certificates import Authority
from harness.client import fetch
from harness.clock import clock_off_by
from harness.kerberos import MACHINE, PASSWORD as TICKET_PASSWORD, REALM, Realm
from harness.processes import run
from harness.proxies import PASSWORD, USER, squid
from harness.waiting import eventually
from test_via import OPENS, Gatekeeper, make_via, works

# That a connection comes up beside another one is told at this level.
EACH_CONNECTION = {"log": {"level": "debug", "format": "json"}}


@pytest.fixture
def proxy(launch, tmp_path):
    def start(allowed: int, kind=squid, **options):
        return launch(kind(tmp_path / f"proxy-{allowed}-{len(options)}", allowed, **options))

    return start


@pytest.fixture
def realm(tmp_path):
    realm = Realm(tmp_path / "realm")
    yield realm
    realm.go_on()
    realm.kill()


def with_password(company, password: str = PASSWORD, user: str = USER) -> str:
    return company.url(f"{user}:{urllib.parse.quote(password, safe='')}")


def seen(company) -> list[str]:
    """The user and the status of each request in squid's log, which has a line for each when it is over, and for connections without any."""
    lines = [line.split() for line in company.log.splitlines()]
    return [f"{fields[7]} {fields[3].split('/')[1]}" for fields in lines if len(fields) > 7 and not fields[3].endswith("/000")]


async def refusal(tunnel, ok) -> str:
    """What a client is told; nothing of it may be a library's."""
    response = await fetch(tunnel.port, ok.url("/"), within=60)
    assert response.status == 503, response
    for word in ("GSS", "gss", "NIOSSL", "minor", "Unspecified", "-17653", "Error"):
        assert word not in response.text, response.text
    return response.text


# Proxies behind TLS


@pytest.mark.parametrize("password", [False, True], ids=["nobody", "anna"])
async def test_a_proxy_behind_tls(make_tunnel, proxy, authority, nginx, password):
    tunnel = make_tunnel()
    identity = authority.issue("proxy", dns=("localhost",), server=True)
    company = proxy(tunnel.server_port, tls=identity, password=password)
    make_via(tunnel, with_password(company) if password else company.url(), **{"via-ca": str(authority.path)})
    assert await works(tunnel, nginx)
    assert f'"via":"localhost:{company.port}"' in tunnel.agent.text()
    # What is known of the server is its own certificate, not the proxy's.
    assert '"identity":"server"' in tunnel.agent.text(), tunnel.agent.tail()


async def test_a_proxy_of_an_authority_that_the_system_trusts(make_tunnel, proxy, tmp_path, nginx):
    """What `via-ca` stands in for: without it, this system's authorities count, of which the test's is none."""
    authority = Authority(tmp_path / "company", "Company CA")
    tunnel = make_tunnel()
    company = proxy(tunnel.server_port, tls=authority.issue("proxy", dns=("localhost",), server=True))
    make_via(tunnel, company.url(), wait="1s")
    text = (await fetch(tunnel.port, nginx.url(1))).text
    assert f"the proxy localhost:{company.port} has a certificate, CN=proxy, that was issued by CN=Company CA, which is no authority of this system" in text, text


async def test_certificates_of_proxies_that_are_no_good(make_tunnel, proxy, tmp_path, ok):
    authority = Authority(tmp_path / "company", "Company CA")
    cases = {
        "that expired on 20": authority.issue("expired", dns=("localhost",), server=True, days=-1, since=-20),
        "that is for another name than localhost": authority.issue("other", dns=("elsewhere.example",), server=True),
    }
    for words, identity in cases.items():
        tunnel = make_tunnel()
        company = proxy(tunnel.server_port, tls=identity)
        make_via(tunnel, company.url(), wait="1s", **{"via-ca": str(authority.path)})
        text = await refusal(tunnel, ok)
        assert f"the proxy localhost:{company.port} has a certificate, CN=" in text and words in text, text


async def test_tls_where_there_is_none(make_tunnel, proxy, ok):
    tunnel = make_tunnel()
    company = proxy(tunnel.server_port)
    make_via(tunnel, f"https://localhost:{company.port}", wait="1s")
    assert f"the proxy localhost:{company.port} speaks no TLS on this port: write http:// in place of https://" in await refusal(tunnel, ok)


# Digest


async def test_digest(make_tunnel, proxy, nginx):
    tunnel = make_tunnel(agent_top={"event-loops": 2, **EACH_CONNECTION})
    company = proxy(tunnel.server_port, digest=True)
    make_via(tunnel, with_password(company))
    assert await works(tunnel, nginx)
    await eventually(lambda: tunnel.agent.text().count("tunnel is up") == 2, 20, "both connections are up")


async def test_the_strongest_is_shown(make_tunnel, proxy, nginx, realm):
    """Digest goes before Basic, so the password itself is never sent; Negotiate goes before both where it may."""
    tunnel = make_tunnel()
    company = proxy(tunnel.server_port, digest=True, password=True, realm=realm)
    make_via(tunnel, with_password(company))
    assert await works(tunnel, nginx)
    tunnel.kill()
    await eventually(lambda: f"{USER} 200" in seen(company), 10, lambda: f"anna is in the log: {company.log}")

    other = make_tunnel(environment=realm.tickets("strongest"))
    make_via(other, as_named(company), to=f"localhost:{tunnel.server_port}", **{"via-auth": ["negotiate", "digest", "basic"]})
    tunnel.start_server()
    assert await works(other, nginx)
    other.kill()
    tunnel.kill()
    await eventually(lambda: f"{USER}@{REALM} 200" in seen(company), 10, lambda: f"the ticket is in the log: {company.log}")


@pytest.mark.parametrize("scheme", ["digest", "basic"])
async def test_wrong_passwords_are_shown_once(make_tunnel, proxy, ok, scheme):
    tunnel = make_tunnel(agent_top={"event-loops": 4})
    company = proxy(tunnel.server_port, digest=scheme == "digest", password=True)
    make_via(tunnel, with_password(company, "wrong"), wait="10m")
    for _ in range(4):
        text = await refusal(tunnel, ok)
        assert f"the proxy 127.0.0.1:{company.port} refuses the user or the password (407)" in text, text
        assert "it isn't asked again before 20" in text
    # One that asks, and one that shows it; not four, and none by the weaker scheme.
    await eventually(lambda: len(seen(company)) >= 2, 10, "squid has written its log")
    assert len(seen(company)) == 2, company.log


class DigestProxy:
    """A proxy that verifies Digest as RFC 7616 has it, with the hash, the nonces and the manners that a test wants."""

    def __init__(self, hash="sha256", name="SHA-256", password="s3cret", closes=False, version="1.1", nonces=("n1", "n2", "n3"), stale=(), next_nonce=None):
        self.hash = lambda text: hashlib.new(hash, text.encode()).hexdigest()
        self.name, self.password, self.closes, self.version = name, password, closes, version
        self.nonces, self.stale, self.next_nonce = list(nonces), list(stale), next_nonce
        self.shown: list[tuple[str, str]] = []
        self.connections = 0

    async def __call__(self, reader, writer):
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                target = head.split()[1]
                match = re.search(r"^Proxy-Authorization: Digest (.*)\r$", head, re.MULTILINE)
                fields = dict((name, quoted or plain) for name, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|([^", ]+))', match[1])) if match else {}
                if fields and self.verifies(fields, target):
                    self.shown.append((fields["nonce"], fields["nc"]))
                    if fields["nonce"] not in self.stale:
                        info = f'Proxy-Authentication-Info: nextnonce="{self.next_nonce}"' if self.next_nonce else "X-Nothing: there"
                        return await self.open(reader, writer, target, info)
                    self.challenge(writer, "stale=true, ")
                else:
                    self.challenge(writer, "")
                await writer.drain()
                if self.closes:
                    return writer.close()

    def verifies(self, fields: dict, target: str) -> bool:
        secret, request = self.hash(f"{fields['username']}:r:{self.password}"), self.hash(f"CONNECT:{target}")
        right = self.hash(f"{secret}:{fields['nonce']}:{fields['nc']}:{fields['cnonce']}:{fields['qop']}:{request}")
        return fields["uri"] == target and fields["response"] == right and (fields["nonce"], fields["nc"]) not in self.shown

    def challenge(self, writer, stale: str):
        nonce = self.nonces.pop(0) if len(self.nonces) > 1 else self.nonces[0]
        close = "Connection: close\r\n" if self.closes and self.version == "1.1" else ""
        writer.write(
            f'HTTP/{self.version} 407 Who\r\n{close}Proxy-Authenticate: Digest realm="r", {stale}algorithm={self.name}, nonce="{nonce}", qop="auth", opaque="o"\r\n'
            "Content-Length: 5\r\n\r\nwho?\n".encode()
        )

    async def open(self, reader, writer, target, info):
        host, port = target.rsplit(":", 1)
        there, here = await asyncio.open_connection(host, int(port))
        writer.write(f"HTTP/{self.version} 200 Connection established\r\n{info}\r\n\r\n".encode())

        async def pump(source, sink):
            while data := await source.read(1 << 16):
                sink.write(data)
            sink.close()

        await asyncio.gather(pump(reader, here), pump(there, writer))


@pytest.mark.parametrize(
    "manners",
    [{}, {"hash": "md5", "name": "MD5"}, {"closes": True}, {"closes": True, "version": "1.0"}, {"version": "1.0"}, {"stale": ["n1"]}, {"stale": ["n1", "n2"], "closes": True}],
    ids=["SHA-256", "MD5", "closes", "HTTP-1.0 closes", "HTTP-1.0", "stale", "stale twice"],
)  # fmt: skip
async def test_manners_of_digest(make_tunnel, make_tcp, ok, manners):
    gate = DigestProxy(**manners)
    place = await make_tcp(gate)
    tunnel = make_tunnel(agent_top={"event-loops": 1})
    make_via(tunnel, f"http://{USER}:s3cret@127.0.0.1:{place.port}")
    assert (await fetch(tunnel.port, ok.url("/"))).body == b"fine"
    stale = len(manners.get("stale", []))
    assert [nonce for nonce, _ in gate.shown] == ["n1", "n2", "n3"][: stale + 1]
    assert gate.connections == (2 + stale if manners.get("closes") or manners.get("version") == "1.0" else 1)


async def test_the_next_nonce(make_tunnel, make_tcp, ok):
    """It is used without asking by those that come right after, each with a number of its own."""
    gate = DigestProxy(next_nonce="later", nonces=("n1", "n2", "n3", "n4"))
    place = await make_tcp(gate)
    tunnel = make_tunnel(agent_top={"event-loops": 4, **EACH_CONNECTION})
    make_via(tunnel, f"http://{USER}:s3cret@127.0.0.1:{place.port}")
    await eventually(lambda: tunnel.agent.text().count("tunnel is up") == 4, 20, lambda: f"four connections are up\n{tunnel.agent.tail()}")
    assert gate.shown[0] == ("n1", "00000001")
    assert sorted(gate.shown[1:]) == [("later", "00000001"), ("later", "00000002"), ("later", "00000003")]


async def test_a_proxy_that_closes_after_its_answer(make_tunnel, make_tcp, nginx):
    gate = Gatekeeper(OPENS, asks=True)
    place = await make_tcp(gate)
    tunnel = make_tunnel(agent_top={"event-loops": 1})
    make_via(tunnel, f"http://{USER}:secret@127.0.0.1:{place.port}")
    assert await works(tunnel, nginx)
    assert gate.passwords == [f"{USER}:secret"] and len(gate.heads) == 2


# Negotiate

NEGOTIATE = {"via-auth": ["negotiate"]}


def as_named(company) -> str:
    """By the name that the realm has for it."""
    return f"http://localhost:{company.port}"


async def test_a_ticket(make_tunnel, proxy, nginx, realm):
    tunnel = make_tunnel(environment=realm.tickets("anna"))
    company = proxy(tunnel.server_port, realm=realm)
    make_via(tunnel, as_named(company), **NEGOTIATE)
    assert await works(tunnel, nginx)
    tunnel.kill()
    await eventually(lambda: f"{USER}@{REALM} 200" in seen(company), 10, lambda: f"anna is in the log: {company.log}")


@pytest.mark.parametrize("what", ["password", "keytab"])
async def test_a_password_or_a_key_in_place_of_tickets(make_tunnel, proxy, nginx, realm, what):
    user = USER if what == "password" else MACHINE
    tunnel = make_tunnel(environment=realm.client)
    company = proxy(tunnel.server_port, realm=realm)
    secret = {"via-password": TICKET_PASSWORD} if what == "password" else {"via-keytab": str(realm.machine_keytab)}
    make_via(tunnel, as_named(company), **NEGOTIATE, **{"via-user": f"{user}@{REALM}"}, **secret)
    assert await works(tunnel, nginx)
    assert TICKET_PASSWORD not in tunnel.agent.text()
    tunnel.kill()
    await eventually(lambda: f"{user}@{REALM} 200" in seen(company), 10, lambda: f"the user is in the log: {company.log}")


async def test_what_is_wrong_with_tickets(make_tunnel, proxy, ok, realm, tmp_path):
    tunnel = make_tunnel()
    company = proxy(tunnel.server_port, realm=realm)
    short = realm.tickets("short", "-l", "1s")
    await asyncio.sleep(2)  # a ticket is over when its second is
    other_keys = tmp_path / "other.keytab"
    shutil.copy(realm.machine_keytab, other_keys)
    realm.administer(f"cpw -randkey {MACHINE}")
    wrong = {
        "there is no Kerberos ticket: 'kinit' gets one": (realm.client, {}),
        "the Kerberos ticket has expired: 'kinit' gets another": (short, {}),
        f"the KDC refuses the password of '{USER}@{REALM}'": (realm.client, {"via-user": f"{USER}@{REALM}", "via-password": "wrong"}),
        f"the KDC knows no user 'berta@{REALM}'": (realm.client, {"via-user": f"berta@{REALM}", "via-password": "wrong"}),
        f"the KDC refuses the key of '{MACHINE}@{REALM}' in {other_keys}: it is an old one": (
            realm.client, {"via-user": f"{MACHINE}@{REALM}", "via-keytab": str(other_keys)}),
        f"{other_keys} has no key of '{USER}@{REALM}', or can't be read": (realm.client, {"via-user": f"{USER}@{REALM}", "via-keytab": str(other_keys)}),
    }  # fmt: skip
    for words, (environment, keys) in wrong.items():
        agent = make_tunnel(environment=environment)
        agent.rewrite_agent(connect={"via": as_named(company), "wait": "2s", **NEGOTIATE, **keys})
        agent.start_agent()
        text = await refusal(agent, ok)
        assert f"the proxy localhost:{company.port} wants Negotiate (407), and {words}" in text, text
        agent.kill()


async def test_a_password_that_the_kdc_refuses_is_shown_once(make_tunnel, proxy, ok, realm):
    """Also by four loops at once, and not by the weaker schemes that the proxy offers as well."""
    tunnel = make_tunnel(environment=realm.client, agent_top={"event-loops": 4})
    company = proxy(tunnel.server_port, realm=realm, ntlm=True, password=True)
    keys = {"via-auth": ["negotiate"], "via-user": f"{USER}@{REALM}", "via-password": "wrong"}
    make_via(tunnel, as_named(company), wait="10m", **keys)
    for _ in range(4):
        assert "the KDC refuses the password" in await refusal(tunnel, ok)
    refused = realm.kdc.text().count("PREAUTH_FAILED")
    assert refused <= 1, realm.kdc.text()


async def test_a_proxy_that_the_realm_doesnt_know(make_tunnel, proxy, ok, realm):
    tunnel = make_tunnel(environment=realm.tickets("anna"))
    company = proxy(tunnel.server_port, realm=realm)
    make_via(tunnel, company.url(), wait="1s", **NEGOTIATE)
    assert "the KDC knows no service HTTP/127.0.0.1: 'via' has to name the proxy by the name that it has there" in await refusal(tunnel, ok)


async def test_a_proxy_with_the_wrong_key(make_tunnel, proxy, ok, realm, tmp_path):
    """What the KDC gives out for it is more than its keytab has."""
    old = tmp_path / "old.keytab"
    shutil.copy(realm.keytab, old)
    old.chmod(0o644)
    realm.administer("cpw -randkey HTTP/localhost")
    tunnel = make_tunnel(environment=realm.tickets("anna"), agent_top={"event-loops": 4})
    company = proxy(tunnel.server_port, realm=realm, keytab=old)
    make_via(tunnel, as_named(company), wait="10m", **NEGOTIATE)
    for _ in range(3):
        assert f"the proxy localhost:{company.port} refuses what Negotiate shows of this user (407)" in await refusal(tunnel, ok)
    await eventually(lambda: len(seen(company)) >= 2, 10, "squid has written its log")
    assert len(seen(company)) == 2, company.log


async def test_a_clock_that_is_off(make_tunnel, proxy, ok, realm, tmp_path):
    """The ticket is good; what the agent's clock says of the time isn't."""
    tunnel = make_tunnel(environment={**realm.tickets("anna"), **clock_off_by(1_800, tmp_path)})
    company = proxy(tunnel.server_port, realm=realm)
    tunnel.rewrite_agent(connect={"via": as_named(company), "wait": "2s", **NEGOTIATE})
    tunnel.start_agent()
    text = await refusal(tunnel, ok)
    assert "refuses what Negotiate shows of this user (407)" in text or "the clocks of this machine and of the KDC differ" in text, text


async def test_a_kdc_that_doesnt_answer(make_tunnel, proxy, ok, nginx, realm):
    """Nobody waits for it but the way that needs it: the same loops serve what goes another way."""
    tunnel = make_tunnel(environment=realm.client, agent_top={"event-loops": 1})
    company = proxy(tunnel.server_port, realm=realm)
    realm.pause()
    keys = {**NEGOTIATE, "via-user": f"{USER}@{REALM}", "via-password": TICKET_PASSWORD, "timeout": "2s"}
    make_via(tunnel, as_named(company), wait="3s", **keys)
    text = await refusal(tunnel, ok)
    assert "wants Negotiate (407), and no answer has come from the KDC in time" in text, text
    # The thread still waits; the agent doesn't, and goes by another way as soon as there is one.
    tunnel.rewrite_agent(connect={"via": [as_named(company), "direct"], **keys})
    tunnel.agent.signal(1)

    async def direct():
        return (await fetch(tunnel.port, ok.url("/"))).status == 200

    await eventually(direct, 30, lambda: f"the tunnel is up\n{tunnel.agent.tail()}")


async def test_a_kdc_that_is_gone(make_tunnel, proxy, ok, realm):
    tunnel = make_tunnel(environment=realm.client)
    company = proxy(tunnel.server_port, realm=realm)
    realm.kill()
    make_via(tunnel, as_named(company), wait="1s", **NEGOTIATE, **{"via-user": f"{USER}@{REALM}", "via-password": TICKET_PASSWORD})
    assert "wants Negotiate (407), and no KDC of the realm can be reached" in await refusal(tunnel, ok)


async def test_no_ticket_but_a_password_for_something_else(make_tunnel, proxy, nginx, realm):
    """The strongest that works."""
    tunnel = make_tunnel(environment=realm.client)
    company = proxy(tunnel.server_port, realm=realm, digest=True)
    other = f"http://{USER}:{urllib.parse.quote(PASSWORD, safe='')}@127.0.0.1:{company.port}"
    realm.kill()
    make_via(tunnel, other, **{"via-auth": ["negotiate", "digest"]})
    assert await works(tunnel, nginx)


async def test_a_ticket_that_ends_while_the_tunnel_is_up(make_tunnel, proxy, ok, realm):
    tunnel = make_tunnel(environment=realm.tickets("short", "-l", "4s"), agent_top={"event-loops": 1})
    company = proxy(tunnel.server_port, realm=realm)
    make_via(tunnel, as_named(company), wait="1s", **NEGOTIATE)
    assert (await fetch(tunnel.port, ok.url("/"))).body == b"fine"
    await asyncio.sleep(5)  # until the ticket is over
    assert (await fetch(tunnel.port, ok.url("/"))).body == b"fine", "what is open stays open"
    tunnel.server.kill()
    tunnel.start_server()

    async def told():
        response = await fetch(tunnel.port, ok.url("/"))
        return "the Kerberos ticket has expired: 'kinit' gets another" in response.text

    await eventually(told, 20, lambda: f"the next connection needs another ticket\n{tunnel.agent.tail()}")


# NTLM


@pytest.mark.parametrize("user", [rf"CORP\{USER}", USER], ids=["domain", "user"])
async def test_ntlm(make_tunnel, proxy, nginx, user):
    tunnel = make_tunnel(agent_top={"event-loops": 2, **EACH_CONNECTION})
    company = proxy(tunnel.server_port, ntlm=True)
    make_via(tunnel, company.url(), **{"via-auth": ["ntlm"], "via-user": user, "via-password": PASSWORD})
    assert await works(tunnel, nginx)
    await eventually(lambda: tunnel.agent.text().count("tunnel is up") == 2, 20, "both connections are up")
    assert PASSWORD not in tunnel.agent.text()


async def test_ntlm_refused(make_tunnel, proxy, ok):
    tunnel = make_tunnel(agent_top={"event-loops": 4})
    company = proxy(tunnel.server_port, ntlm=True, password=True)
    make_via(tunnel, company.url(), wait="10m", **{"via-auth": ["ntlm", "basic"], "via-user": rf"CORP\{USER}", "via-password": "wrong"})
    for _ in range(4):
        assert f"the proxy 127.0.0.1:{company.port} refuses the user, the password or the domain (407)" in await refusal(tunnel, ok)
    # What it wants, NTLM's first piece, and its last.
    await eventually(lambda: len(seen(company)) >= 3, 10, "squid has written its log")
    assert len(seen(company)) == 3, company.log


@pytest.mark.parametrize("password, words", [(PASSWORD, None), ("wrong", "refuses what Negotiate shows of this user (407)")])
async def test_ntlm_inside_of_negotiate(make_tunnel, proxy, nginx, ok, tmp_path, password, words):
    """For a domain of which this machine knows no realm."""
    settings = tmp_path / "krb5.conf"
    settings.write_text("[libdefaults]\n dns_lookup_kdc = false\n dns_lookup_realm = false\n")
    tunnel = make_tunnel(environment={"KRB5_CONFIG": str(settings)})
    company = proxy(tunnel.server_port, wraps_ntlm=True)
    make_via(tunnel, company.url(), **{"via-auth": ["negotiate"], "via-user": rf"CORP\{USER}", "via-password": password})
    if words is None:
        assert await works(tunnel, nginx)
    else:
        assert words in await refusal(tunnel, ok)


async def test_ntlm_without_a_password(make_tunnel, proxy, ok):
    tunnel = make_tunnel()
    company = proxy(tunnel.server_port, ntlm=True)
    make_via(tunnel, company.url(), wait="1s", **{"via-auth": ["ntlm"]})
    assert r"wants NTLM (407), and NTLM needs 'via-user', as CORP\anna say, and 'via-password'" in await refusal(tunnel, ok)


# The library


async def test_the_library_is_loaded_only_where_it_is_wanted(make_tunnel, proxy, nginx):
    tunnel = make_tunnel()
    company = proxy(tunnel.server_port, digest=True)
    make_via(tunnel, with_password(company))
    assert await works(tunnel, nginx)
    maps = lambda: open(f"/proc/{tunnel.agent.pid}/maps").read()
    assert "libgssapi" not in maps()
    tunnel.agent.kill()
    tunnel.rewrite_agent(connect={"via": with_password(company), "via-auth": ["negotiate", "digest"]})
    tunnel.start_agent()
    assert await works(tunnel, nginx)
    assert "libgssapi_krb5" in maps()


def test_our_declarations_are_those_of_the_library(tmp_path):
    """Sizes, places and numbers of `CGSSAPI`, against the header of libkrb5-dev."""
    source = tmp_path / "compare.c"
    header = __file__.rsplit("/Tests/", 1)[0] + "/Sources/CGSSAPI/gss.h"
    source.write_text(f'''
#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include "{header}"
#define SAME_SIZE(ours, theirs) _Static_assert(sizeof(ours) == sizeof(theirs), #ours)
#define SAME_PLACE(ours, member, theirs, other) _Static_assert(offsetof(ours, member) == offsetof(theirs, other), #ours "." #member)
SAME_SIZE(gss_status, OM_uint32);
SAME_SIZE(gss_handle, gss_ctx_id_t);
SAME_SIZE(gss_handle, gss_cred_id_t);
SAME_SIZE(gss_handle, gss_name_t);
SAME_SIZE(gss_bytes, gss_buffer_desc);
SAME_PLACE(gss_bytes, value, gss_buffer_desc, value);
SAME_SIZE(gss_object_id, gss_OID_desc);
SAME_PLACE(gss_object_id, elements, gss_OID_desc, elements);
SAME_SIZE(gss_object_id_set, gss_OID_set_desc);
SAME_PLACE(gss_object_id_set, elements, gss_OID_set_desc, elements);
SAME_SIZE(gss_store_entry, gss_key_value_element_desc);
SAME_PLACE(gss_store_entry, value, gss_key_value_element_desc, value);
SAME_SIZE(gss_store, gss_key_value_set_desc);
SAME_PLACE(gss_store, elements, gss_key_value_set_desc, elements);
_Static_assert(GSS_S_CONTINUE_NEEDED == 1 && GSS_C_INITIATE == 1 && GSS_C_MECH_CODE == 2 && GSS_C_INDEFINITE == 0xffffffffu, "numbers");
// Each of ours is called as theirs is: where an argument were missing or of another kind, this wouldn't compile.
typedef OM_uint32 status;
static void calls(void) {{
    status minor; gss_name_t name; gss_cred_id_t credentials; gss_ctx_id_t context; gss_buffer_desc bytes; gss_OID id; gss_OID_set set; int flag;
    gss_const_key_value_set_t store = 0;
    gss_import_name(&minor, &bytes, id, &name);
    gss_release_name(&minor, &name);
    gss_acquire_cred(&minor, name, (OM_uint32)0, set, (gss_cred_usage_t)1, &credentials, &set, &minor);
    gss_acquire_cred_with_password(&minor, name, &bytes, (OM_uint32)0, set, (gss_cred_usage_t)1, &credentials, &set, &minor);
    gss_acquire_cred_from(&minor, name, (OM_uint32)0, set, (gss_cred_usage_t)1, store, &credentials, &set, &minor);
    gss_release_cred(&minor, &credentials);
    gss_init_sec_context(&minor, credentials, &context, name, id, (OM_uint32)0, (OM_uint32)0, (gss_channel_bindings_t)0, &bytes, &id, &bytes, &minor, &minor);
    gss_delete_sec_context(&minor, &context, &bytes);
    gss_release_buffer(&minor, &bytes);
    gss_display_status(&minor, minor, (int)2, id, &minor, &bytes);
    gss_indicate_mechs(&minor, &set);
    gss_release_oid_set(&minor, &set);
    gss_test_oid_set_member(&minor, id, set, &flag);
}}
int main(void) {{ (void)calls; return 0; }}
''')
    done = subprocess.run(["cc", "-Wall", "-Werror=incompatible-pointer-types", "-Wno-uninitialized", "-fsyntax-only", source], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "keys, message",
    [
        ({"via-auth": []}, "'via-auth' wants each scheme once, and one at least"),
        ({"via-auth": ["kerberos"]}, "'via-auth[1]' wants one of negotiate, ntlm, digest, basic"), ({"via-auth": "kerberos"}, "'via-auth' wants"),
        ({"via-keytab": "agent.yaml"}, "'via-keytab' is of no use without 'negotiate' in 'via-auth'"),
        ({"via-ca": "agent.yaml"}, "agent.yaml is not a PEM file"),
    ],
)
async def test_configurations_that_cant_work(make_tunnel, binary, keys, message):
    tunnel = make_tunnel()
    tunnel.rewrite_agent(connect={"via": "http://proxy.example:3128", **keys})
    result = await run(binary, "check", tunnel.agent_config)
    assert result.status == 65 and message in result.text, result.text
