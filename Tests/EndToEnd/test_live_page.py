"""The live page of the admin listener, in a real browser."""

import asyncio
import http.server
import threading
from contextlib import contextmanager

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from harness.admin import Admin
from harness.browser import NEEDS_CHROMIUM, complaints, open_browser
from harness.client import Connection, fetch
from harness.waiting import eventually, patiently

pytestmark = NEEDS_CHROMIUM


@pytest.fixture
def watched(make_tunnel, admins):
    agent, server = admins
    return make_tunnel(agent_top={"admin": agent.settings, "event-loops": 1}, server_top={"admin": server.settings})


@pytest.fixture
def browser(tmp_path):
    opened = open_browser(tmp_path / "profile")
    yield opened
    opened.quit()


class Page:
    """The page as somebody sees it. Calls of the driver wait, so they have a thread of their own."""

    def __init__(self, browser, admin: Admin):
        self.browser, self.address = browser, f"http://127.0.0.1:{admin.port}/"

    async def open(self) -> "Page":
        await asyncio.to_thread(self.browser.get, self.address)
        await eventually(lambda: self.state("Ready"), 20, "the page has a report")
        return self

    async def text(self, id: str) -> str:
        return await asyncio.to_thread(lambda: self.browser.find_element(By.ID, id).text)

    async def state(self, text: str) -> bool:
        return await self.text("state") == text

    async def rows(self, table: str) -> list[list[str]]:
        script = "return Array.from(document.getElementById(arguments[0]).tBodies[0].rows, row => Array.from(row.cells, cell => cell.innerText))"
        return await asyncio.to_thread(self.browser.execute_script, script, table)

    async def run(self, script: str, *arguments):
        return await asyncio.to_thread(self.browser.execute_script, script, *arguments)


async def test_rates_move_and_an_exchange_appears_and_goes(watched, admins, browser, origin, echo):
    watched.start()
    page = await Page(browser, admins[0]).open()
    assert [row[0] for row in await page.rows("pipeline")] == ["1 accept", "2 http", "3 frame", "4 mtls", "5 connect"]
    assert (await page.rows("exchanges"))[0] == ["None is open."]
    (session,) = await page.rows("sessions")
    assert session[0] == "server" and session[2] == "mux"

    async def ask():
        while True:
            await fetch(watched.port, origin.url("/"))

    asking = asyncio.create_task(ask())

    async def has_rate():
        rows = await page.rows("pipeline")
        return float(rows[1][1]) > 1 and float(await page.text("rate")) > 1

    await eventually(has_rate, 20, "the rates move")
    asking.cancel()

    async def has_none():
        return (await page.rows("pipeline"))[1][1] == "0"

    await eventually(has_none, 20, "the rates are nothing again")
    async with patiently(60), await Connection.open(watched.port) as client:
        assert (await client.connect(echo.authority)).status == 200

        async def is_shown():
            rows = await page.rows("exchanges")
            return rows[0][0] == echo.authority and rows[0][2] == "CONNECT"

        await eventually(is_shown, 10, "the exchange appears")
        assert await page.text("shown") == "1 of 1 shown"
        search = browser.find_element(By.ID, "search")
        await asyncio.to_thread(search.send_keys, "elsewhere")

        async def is_left_out():
            return await page.text("shown") == "0 of 1 shown"

        await eventually(is_left_out, 10, "the search leaves it out")
        await asyncio.to_thread(search.send_keys, Keys.CONTROL + "a", Keys.DELETE)
        await eventually(is_shown, 10, "it is there again")
        # By keyboard alone.
        button = browser.find_element(By.CSS_SELECTOR, "#exchanges button")
        assert button.accessible_name == f"End the exchange with {echo.authority}"
        await asyncio.to_thread(button.send_keys, Keys.ENTER)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await client.reader.readexactly(1)

    async def is_gone():
        return (await page.rows("exchanges"))[0] == ["None is open."]

    await eventually(is_gone, 10, "the exchange is gone")
    assert complaints(browser) == []


async def test_a_lost_server_and_a_lost_program_are_seen(watched, admins, browser):
    watched.start()
    page = await Page(browser, admins[0]).open()
    watched.server.kill()

    async def says_why():
        problems = await page.run("return document.getElementById('problems').innerText")
        return await page.state("Not ready") and "the tunnel to localhost" in problems

    await eventually(says_why, 15, "the page says that the tunnel is down")
    watched.agent.kill()
    await eventually(lambda: page.state("The program can't be reached"), 15, "the page says that nothing answers")
    watched.start_server()
    watched.start_agent()
    await eventually(lambda: page.state("Ready"), 30, "it goes on with the next program")


async def test_a_thousand_open_exchanges_keep_it_usable(watched, admins, browser, echo):
    watched.start()
    async with patiently(120):
        clients = []
        for _ in range(1000):
            client = await Connection.open(watched.port)
            assert (await client.connect(echo.authority)).status == 200
            clients.append(client)
        page = await Page(browser, admins[0]).open()

        async def shows_all():
            return await page.text("shown") == "200 of 1000 shown"

        await eventually(shows_all, 20, "they are shown")
        before = await page.text("uptime")

        async def goes_on():
            return await page.text("uptime") != before

        await eventually(goes_on, 10, "the page goes on")
        search = browser.find_element(By.ID, "search")
        await asyncio.to_thread(search.send_keys, "nothing like it")

        async def is_filtered():
            return await page.text("shown") == "0 of 1000 shown"

        await eventually(is_filtered, 10, "the search answers")
        for client in clients:
            client.abort()


async def test_it_can_be_operated(watched, admins, browser):
    watched.start()
    page = await Page(browser, admins[0]).open()
    await asyncio.to_thread(browser.find_element(By.ID, "reload").click)

    async def is_said():
        return await page.text("done") == "Reload: unchanged"

    await eventually(is_said, 10, "the verdict of the reload")
    await page.run("const level = document.getElementById('level'); level.value = 'debug'; level.dispatchEvent(new Event('change'))")

    async def is_set():
        return (await admins[0].ask("/log-level")).text.find('"debug"') > 0

    await eventually(is_set, 10, "the level is set")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1200, 380])
async def test_it_can_be_read(watched, admins, tmp_path, dark, width, record_property):
    """Names for whatever can be used, contrast of 4.5 (WCAG 2.2, 1.4.3), a heading for each part, and no page wider than a phone."""
    watched.start()
    browser = open_browser(tmp_path / "profile", dark=dark, width=width)
    try:
        page = await Page(browser, admins[0]).open()
        problems = await page.run(CHECKS)
        assert problems == []
        assert await page.run("return matchMedia('(prefers-color-scheme: dark)').matches") == dark
        for element in browser.find_elements(By.CSS_SELECTOR, "button, input, select, a[href], [role=region], svg"):
            assert element.accessible_name, element.get_attribute("outerHTML")
        browser.save_screenshot(str(tmp_path / f"live-{width}-{dark}.png"))
    finally:
        browser.quit()


CHECKS = """
const problems = [];
const luminance = (color) => {
  const parts = color.match(/[\\d.]+/g).slice(0, 3).map((part) => {
    const value = part / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
};
const ground = (element) => {
  for (let each = element; each !== null; each = each.parentElement) {
    const color = getComputedStyle(each).backgroundColor;
    if (!/rgba\\(.*, 0\\)/.test(color)) { return color; }
  }
  return "rgb(255, 255, 255)";
};
for (const element of document.body.querySelectorAll("*")) {
  const text = Array.from(element.childNodes).some((node) => node.nodeType === 3 && node.textContent.trim() !== "");
  if (!text || element.offsetParent === null || element.matches("noscript, option")) { continue; }
  const [one, other] = [luminance(getComputedStyle(element).color), luminance(ground(element))];
  const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  if (contrast < 4.5) { problems.push(`${element.tagName} ${element.textContent.trim().slice(0, 40)}: ${contrast.toFixed(2)}`); }
}
for (const table of document.querySelectorAll("table")) {
  if (table.caption === null || table.querySelector("thead th[scope=col]") === null) { problems.push(`${table.id} has no caption or heads`); }
}
for (const section of document.querySelectorAll("section")) {
  if (document.getElementById(section.getAttribute("aria-labelledby")) === null) { problems.push("a section has no heading"); }
}
if (document.documentElement.scrollWidth > window.innerWidth) { problems.push(`it is ${document.documentElement.scrollWidth} wide`); }
if (document.documentElement.lang !== "en" || document.title === "") { problems.push("no language or title"); }
const ids = Array.from(document.querySelectorAll("[id]"), (each) => each.id);
if (new Set(ids).size !== ids.length) { problems.push("an id stands twice"); }
return problems;
"""


@contextmanager
def foreign_site(page: str):
    """A site on another port, which a browser takes for another origin."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


ATTACK = """
const [target, done] = arguments;
const tried = async (what) => { try { return await what(); } catch { return "refused"; } };
(async () => {
  const results = {};
  results.read = await tried(async () => (await fetch(`${target}sessions`)).text());
  results.events = await tried(() => new Promise((resolve) => {
    const source = new EventSource(`${target}events`);
    source.onmessage = () => resolve("read");
    source.onerror = () => resolve("refused");
  }));
  results.opaque = await tried(async () => (await fetch(`${target}reload`, { method: "POST", mode: "no-cors", body: "x" })).type);
  results.field = await tried(async () => (await fetch(`${target}reload`, { method: "POST", headers: { "Fluidity-Operator": "x" } })).status);
  results.level = await tried(async () => (await fetch(`${target}log-level`, { method: "PUT", body: "debug" })).status);
  results.socket = await tried(() => new Promise((resolve) => {
    const socket = new WebSocket(`${target.replace("http", "ws")}events`);
    socket.onopen = () => resolve("open");
    socket.onerror = () => resolve("refused");
  }));
  results.script = await tried(() => new Promise((resolve) => {
    const script = document.createElement("script");
    script.src = `${target}live.js`;
    script.onload = () => resolve("loaded");
    script.onerror = () => resolve("refused");
    document.head.append(script);
  }));
  const form = Object.assign(document.createElement("form"), { method: "POST", action: `${target}reload`, target: "frame" });
  const frame = Object.assign(document.createElement("iframe"), { name: "frame" });
  document.body.append(frame, form);
  form.submit();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  done(results);
})();
"""


@pytest.mark.parametrize("name", ["127.0.0.1", "rebound.example"])
async def test_another_site_neither_reads_nor_changes_it(watched, admins, tmp_path, name):
    """By its address from another origin, and by a name of the site's own that leads to this machine (DNS rebinding)."""
    watched.start()
    admin = admins[0]
    browser = open_browser(tmp_path / "profile", arguments=["--host-resolver-rules=MAP rebound.example 127.0.0.1"])
    try:
        with foreign_site("<!DOCTYPE html><title>a site</title><body></body>") as port:
            browser.set_script_timeout(30)
            if name == "rebound.example":
                # The same origin as far as the browser can tell: the name alone gives it away.
                await asyncio.to_thread(browser.get, f"http://{name}:{admin.port}/")
                assert "Ask by address" in browser.page_source
                status = "return fetch('/sessions').then(answer => answer.status)"
                assert await asyncio.to_thread(browser.execute_script, status) == 421
            await asyncio.to_thread(browser.get, f"http://{name}:{port}/")
            results = await asyncio.to_thread(browser.execute_async_script, ATTACK, f"http://{name}:{admin.port}/")
        assert {key: value for key, value in results.items() if value != "refused"} in ({}, {"opaque": "opaque"})
        metrics = await admin.metrics()
        for result in ("used", "unchanged", "refused"):
            assert metrics.sum("fluidity_reloads_total", result=result) == 0
        assert '"info"' in (await admin.ask("/log-level")).text
    finally:
        browser.quit()
