"""Lists of stages in Swift code: a right one compiles, a wrong order doesn't. The compiler itself is asked."""

import shutil
import subprocess
from pathlib import Path

import pytest

from harness.fluidity import ROOT

DEBUG = ROOT / ".build/debug"

PROGRAM = """
import Logging
import Pipeline
import Stages

func plan(logger: Logger) throws -> Plan {{
    try Plan(host: .server, logger: logger) {{
        {steps}
    }}
}}
"""

ACCEPT = 'Step.accept(.tcp(host: "127.0.0.1", port: 8080))'
FILES = 'certificate: .file("a.pem"), key: .file("a-key.pem"), ca: .file("ca.pem")'
NEAR = 'RouteBranch("near", when: .init(hosts: ["*.near.example"])) { Step.retry(); Step.fetch() }'
CONNECT = 'Step.connect(to: HostPort(host: "tunnel.example", port: 8443))'

RIGHT = {
    "a forward proxy": [ACCEPT, "Step.http()", "Step.fetch()"],
    "a filter": [ACCEPT, "Step.http()", "Step.compress { $0.level = 1 }", "Step.fetch()"],
    "a filter by its factory": [ACCEPT, "Step.http()", "Filter(CompressFactory()) { $0.level = 1 }", "Step.fetch()"],
    "a filter that may be left out": [ACCEPT, "Step.http()", "if logger.logLevel > .info { Step.retry() }", "Step.fetch()"],
    "rules and methods": [ACCEPT, "Step.http()", 'Step.auth(.apiKey(header: "X-Key", file: "keys.txt"))',
                          'Step.egress(.deny(networks: ["10.0.0.0/8"]), .allow(hosts: ["*.example"], ports: [443]))', "Step.fetch()"],
    "an agent": [ACCEPT, "Step.http { $0.mode = .proxy }", "Step.frameClient()", f"Step.mtlsClient({FILES})", CONNECT],
    "branches": [ACCEPT, "Step.http()", f'Step.route({NEAR}, RouteBranch("far") {{ Step.frameClient(); Step.mtlsClient({FILES}); {CONNECT} }})'],
    "branches within branches": [ACCEPT, "Step.http()", f'Step.route(RouteBranch("outer") {{ Step.compress(); Step.route({NEAR}) }})'],
    "several ways in": [f'Step.entrances(Entrance("proxy") {{ {ACCEPT}; Step.http() }}, Entrance("mail") {{ {ACCEPT}; Step.forward(to: HostPort(host: "a.example", port: 25)) }})', "Step.fetch()"],
    "a server": [ACCEPT, f"Step.mtlsServer({FILES})", "Step.frameServer()", "Step.fetch()"],
}

WRONG = {
    "no source": ["Step.http()", "Step.fetch()"],
    "no sink": [ACCEPT, "Step.http()"],
    "connections for a stage that takes exchanges": [ACCEPT, "Step.fetch()"],
    "a filter before exchanges": [ACCEPT, "Filter(CompressFactory())", "Step.http()", "Step.fetch()"],
    "exchanges for a stage that takes outgoing connections": [ACCEPT, "Step.http()", CONNECT],
    "the server's TLS in an agent": [ACCEPT, "Step.http()", "Step.frameClient()", f"Step.mtlsServer({FILES})", CONNECT],
    "a source that may be left out": ["if logger.logLevel > .info { " + ACCEPT + " }", "Step.http()", "Step.fetch()"],
    "a filter where a transport belongs": [ACCEPT, "Step.compress()", "Step.fetch()"],
    "something after the sink": [ACCEPT, "Step.http()", "Step.fetch()", "Step.fetch()"],
    "a branch without a sink": [ACCEPT, "Step.http()", 'Step.route(RouteBranch("near") { Step.retry() })'],
    "a branch that begins with a source": [ACCEPT, "Step.http()", f'Step.route(RouteBranch("near") {{ {ACCEPT}; Step.http(); Step.fetch() }})'],
    "a branch in a wrong order": [ACCEPT, "Step.http()", f'Step.route(RouteBranch("near") {{ Step.mtlsClient({FILES}); {CONNECT} }})'],
    "something after branches": [ACCEPT, "Step.http()", f"Step.route({NEAR})", "Step.fetch()"],
    "branches before exchanges": [ACCEPT, f"Step.route({NEAR})"],
    "a way in that ends": [f'Step.entrances(Entrance("proxy") {{ {ACCEPT}; Step.http(); Step.fetch() }})', "Step.fetch()"],
    "a way in without a source": ['Step.entrances(Entrance("proxy") { Step.http() })', "Step.fetch()"],
    "two sources": [ACCEPT, ACCEPT, "Step.http()", "Step.fetch()"],
}


def typecheck(folder: Path, steps: list[str]) -> subprocess.CompletedProcess:
    source = folder / "Plan.swift"
    source.write_text(PROGRAM.format(steps="\n        ".join(steps)))
    maps = [*(ROOT / ".build/checkouts").glob("*/Sources/*/include/module.modulemap"), *DEBUG.glob("*.build/module.modulemap"),
            *(ROOT / "Sources").glob("*/module.modulemap")]  # fmt: skip
    flags = [flag for path in maps for flag in ("-Xcc", f"-fmodule-map-file={path}")]
    includes = [flag for path in (ROOT / ".build/checkouts").glob("*/Sources/*/include") for flag in ("-Xcc", f"-I{path}")]
    command = ["swiftc", "-typecheck", "-swift-version", "6", "-I", DEBUG / "Modules", *flags, *includes, source]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


pytestmark = [
    pytest.mark.skipif(not shutil.which("swiftc") or not (DEBUG / "Modules/Stages.swiftmodule").exists(), reason="needs the debug build"),
]


@pytest.mark.parametrize("steps", RIGHT.values(), ids=RIGHT.keys())
def test_a_right_order_compiles(tmp_path, steps):
    result = typecheck(tmp_path, steps)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("steps", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_order_does_not(tmp_path, steps):
    result = typecheck(tmp_path, steps)
    assert result.returncode != 0
    errors = [line for line in result.stderr.splitlines() if ": error: " in line]
    assert errors and all(line.startswith(str(tmp_path)) for line in errors), result.stderr
