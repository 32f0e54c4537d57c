"""`fluidity doctor` in networks that are real programs: proxies that know NTLM, one that opens TLS, reverse proxies before the server."""

import json

import pytest

from harness.certificates import Authority
from harness.proxies import PASSWORD, USER, squid
from harness.reverse_proxies import Inspector, ReverseProxy
from test_doctor import doctor  # noqa: F401
from test_websocket_tunnel import WEBSOCKET, carriers, shown


@pytest.fixture(scope="module")
def front(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("front"), "Front CA")


@pytest.fixture(scope="module")
def front_identity(front):
    return front.issue("www", dns=("localhost",), server=True)


async def test_a_proxy_that_wants_ntlm(doctor, make_tunnel, launch, tmp_path):  # noqa: F811
    tunnel = make_tunnel()
    tunnel.start_server()
    proxy = launch(squid(tmp_path / "proxy", tunnel.server_port, ntlm=True))
    tunnel.rewrite_agent(connect={"via": f"http://127.0.0.1:{proxy.port}"})
    found = await doctor(tunnel.agent_config)
    assert found.status == 1 and "NTLM" in found.texts("proxy"), found.report
    tunnel.rewrite_agent(connect={"via-auth": ["ntlm"], "via-user": rf"CORP\{USER}", "via-password": PASSWORD})
    found = await doctor(tunnel.agent_config)
    assert found.status == 0, found.report
    tunnel.rewrite_agent(connect={"via-password": "wrong"})
    found = await doctor(tunnel.agent_config)
    assert found.status == 1 and "refuses the user, the password or the domain (407)" in found.texts("proxy", "problem"), found.report
    assert PASSWORD not in str(found.report)


@pytest.mark.parametrize("kind", ["nginx", "haproxy"])
async def test_behind_a_reverse_proxy(doctor, make_tunnel, launch, tmp_path, front, front_identity, kind):  # noqa: F811
    tunnel = make_tunnel(agent_carriers=carriers(front), server_carriers=[WEBSOCKET])
    tunnel.start_server()
    before = launch(ReverseProxy(kind, tmp_path / kind, front_identity, tunnel.server_port))
    tunnel.rewrite_agent(connect={"to": f"localhost:{before.port}"})
    found = await doctor(tunnel.agent_config)
    assert found.status == 0, found.report
    tunnel.server.kill()
    found = await doctor(tunnel.agent_config)
    assert found.status == 1 and "can't reach the server behind it (50" in json.dumps(found.report), found.report


async def test_a_network_that_opens_tls(doctor, make_tunnel, launch, tmp_path, front, front_identity):  # noqa: F811
    network = launch(Inspector(tmp_path / "network", front.path))
    plain = make_tunnel(agent={"connect": {"via": network.url}})
    plain.start_server()
    found = await doctor(plain.agent_config)
    assert found.status == 1 and "somebody between here and the server opens TLS" in found.texts("tls", "problem"), found.report
    assert "mitmproxy" in found.texts("tls", "problem")
    carried = make_tunnel(
        agent={"connect": {"via": network.url}}, agent_carriers=carriers(Authority.at(network.ca)),
        server_carriers=[("tls", shown(front_identity)), WEBSOCKET],
    )  # fmt: skip
    carried.start_server()
    found = await doctor(carried.agent_config)
    assert found.status == 0, found.report


