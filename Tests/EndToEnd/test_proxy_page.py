"""The agent's own address, opened as if it were a site: a page that says that this is a proxy, whether it works, and how to use it."""

import asyncio
import re

import pytest
from selenium.webdriver.common.by import By

from harness.browser import NEEDS_CHROMIUM, complaints, open_browser
from harness.client import Connection, fetch
from harness.processes import run
from harness.waiting import eventually, patiently
from harness.wire import head


async def asked(port: int, host: str | None = None, method: str = "GET", target: str = "/", fields=()):
    async with patiently(20), await Connection.open(port) as client:
        await client.send(head(f"{method} {target} HTTP/1.1", [("Host", host or f"127.0.0.1:{port}"), *fields]))
        return await client.response(method)


async def test_what_curl_is_told(make_tunnel, admins, origin):
    tunnel = make_tunnel(agent={"http": {"mode": "proxy", "pac": {"direct": ["localhost"]}}}, agent_top={"admin": admins[0].settings}).start()
    await eventually(admins[0].ready, 20, "the tunnel is up")
    told = await run("curl", "-sS", f"http://127.0.0.1:{tunnel.port}/")
    assert told.status == 0
    assert told.text.startswith("This is a proxy.\nThe tunnel is up")
    assert f"Set 127.0.0.1, port {tunnel.port}," in told.text and f"http://127.0.0.1:{tunnel.port}/proxy.pac" in told.text
    assert f"curl -x http://127.0.0.1:{tunnel.port} " in told.text and f"live page: http://127.0.0.1:{admins[0].port}/" in told.text
    # Its advice works.
    assert (await run("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-x", f"http://127.0.0.1:{tunnel.port}", origin.url("/"))).text == "404"
    assert (await asked(tunnel.port, f"localhost:{tunnel.port}")).status == 200
    only_head = await asked(tunnel.port, method="HEAD")
    assert only_head.status == 200 and only_head.body == b""
    tunnel.server.kill()
    await eventually(lambda: down(tunnel.port), 30, "it says that the tunnel is down")
    assert len(origin.requests) == 1, "nothing of it goes anywhere"


async def down(port: int) -> bool:
    told = await asked(port)
    return told.status == 200 and re.search(r"The tunnel doesn't work at this moment: the tunnel .*down", told.text) is not None


async def test_many_who_ask_at_once_get_the_same(make_tunnel, admins):
    tunnel = make_tunnel(agent_top={"admin": admins[0].settings}).start()
    await eventually(admins[0].ready, 20, "the tunnel is up")
    pages = await asyncio.gather(*(asked(tunnel.port) for _ in range(50)))
    assert {page.status for page in pages} == {200} and len({page.text for page in pages}) == 1


async def test_it_shows_nothing_else_and_nobody_by_a_foreign_name(make_tunnel, origin):
    tunnel = make_tunnel().start()
    for host, method, target in (
        ("rebound.example", "GET", "/"), (f"rebound.example:{tunnel.port}", "GET", "/"), (None, "GET", "/other"), (None, "GET", "/?q"),
        (None, "POST", "/"), (None, "GET", "/live"), (None, "OPTIONS", "*"),
    ):  # fmt: skip
        refused = await asked(tunnel.port, host, method, target)
        assert refused.status == 400 and "This is a proxy" in refused.text and "tunnel is" not in refused.text, target
    page = await asked(tunnel.port, fields=[("Accept", "text/html")])
    assert "default-src 'none'" in page.get("content-security-policy") and "frame-ancestors 'none'" in page.get("content-security-policy")
    assert page.get("cache-control") == "no-store" and "<script" not in page.text
    assert "live page" not in page.text, "there is none"
    # Through the proxy its address is one like any other: of the server's machine, and there nobody is.
    assert (await fetch(tunnel.port, f"http://127.0.0.1:{tunnel.server_port}/")).status >= 400


@pytest.mark.parametrize("asks", [True, False])
async def test_why_isnt_told_elsewhere_whether_clients_say_who_they_are_or_not(make_tunnel, admins, asks):
    addresses = [each for each in (await run("hostname", "-I")).text.split() if ":" not in each]
    if not addresses:
        pytest.skip("this machine has no address but loopback")
    auth = ("auth", {"methods": [{"api-key": {"header": "X-Key", "keys": [{"name": "robot", "key": "example-of-a-long-key"}]}}]})
    tunnel = make_tunnel(agent_filters=[auth] if asks else [], agent_top={"admin": admins[0].settings})
    tunnel.rewrite_agent(accept={"listen": f"0.0.0.0:{tunnel.port}"})
    tunnel.start_agent()
    near = await asked(tunnel.port)
    assert f"the tunnel to localhost:{tunnel.server_port}" in near.text and "live page" in near.text
    far = await run("curl", "-sS", f"http://{addresses[0]}:{tunnel.port}/")
    assert "The tunnel doesn't work at this moment" in far.text and f"Set {addresses[0]}, port {tunnel.port}," in far.text
    assert str(tunnel.server_port) not in far.text and "live page" not in far.text


@NEEDS_CHROMIUM
async def test_it_is_a_page_in_a_browser(make_tunnel, admins, tmp_path):
    tunnel = make_tunnel(agent_top={"admin": admins[0].settings}).start()
    await eventually(admins[0].ready, 20, "the tunnel is up")
    browser = await asyncio.to_thread(open_browser, tmp_path / "profile")
    try:
        await asyncio.to_thread(browser.get, f"http://127.0.0.1:{tunnel.port}/")
        text = await asyncio.to_thread(lambda: browser.find_element(By.TAG_NAME, "main").text)
        assert "This is a proxy" in text and "The tunnel is up" in text and f"port {tunnel.port}" in text
        assert f"http://127.0.0.1:{admins[0].port}/" in text
        assert not [line for line in await asyncio.to_thread(complaints, browser) if "favicon" not in line]
    finally:
        await asyncio.to_thread(browser.quit)
