"""`fluidity stage new`: what it writes builds, passes its tests and runs. It is built beside the project, so that only the new
package itself has to be compiled."""

import json
import shutil

import pytest

from harness.fluidity import ROOT
from harness.ports import free_port
from harness.processes import Process, run


@pytest.mark.timeout(900)
@pytest.mark.skipif(not shutil.which("swift"), reason="needs the compiler")
async def test_a_new_stage_builds_passes_its_tests_and_runs(binary, tmp_path, launch, server_identity):
    package = tmp_path / "request-mark"
    made = await run(binary, "stage", "new", "request-mark", "--fluidity", ROOT, "--into", package, within=20)
    assert made.status == 0, made.text
    place = ("--package-path", package, "--scratch-path", ROOT / ".build")
    tested = await run("swift", "test", *place, within=800)
    assert tested.status == 0 and "Test run with 2 tests" in tested.text, tested.text

    program = ROOT / ".build/debug/request-mark-tunnel"
    described = await run(program, "stages", "request-mark", within=20)
    assert described.status == 0 and "fluidity_request_mark_requests_total" in described.text
    # What a server on AWS would run.
    certificates = {"FLUIDITY_CERTIFICATE": server_identity.certificate, "FLUIDITY_KEY": server_identity.key, "FLUIDITY_CA": server_identity.ca}
    checked = await run(program, "check", package / "deployment/server.yaml", within=20, environment={name: str(path) for name, path in certificates.items()})  # fmt: skip
    assert checked.status == 0, checked.text
    port = free_port()
    running = launch(Process("deployed", [program, "server", "--config", package / "deployment/server.yaml"], tmp_path, {
        **{name: str(path) for name, path in certificates.items()}, "FLUIDITY_PIPELINE_ACCEPT_LISTEN": f"127.0.0.1:{port}",
        "FLUIDITY_ADMIN_LISTEN": f"127.0.0.1:{free_port()}",
    }))  # fmt: skip
    running.wait_for_line("listening")
    passed = await run(program, "test", package / "request-mark.yaml", within=20)
    assert passed.status == 0 and "1 of 1 passed" in passed.text, passed.text


@pytest.mark.skipif(not shutil.which("swift"), reason="needs the compiler")
@pytest.mark.parametrize(
    "url, identity",
    [
        ("https://git.example/team/fluidity.git", "fluidity"),
        ("https://git.example/team/our-tunnel", "our-tunnel"),
        ("git@git.example:team/tunnel.git", "tunnel"),
        ("ssh://git@git.example/team/tunnel.git/", "tunnel"),
    ],
)
async def test_a_package_that_takes_fluidity_from_a_repository(binary, tmp_path, url, identity):
    package = tmp_path / "mark"
    made = await run(binary, "stage", "new", "mark", "--fluidity", url, "--branch", "next", "--into", package, within=20)
    assert made.status == 0, made.text
    manifest = json.loads((await run("swift", "package", "--package-path", package, "dump-package", within=120)).output)
    (source,) = manifest["dependencies"][0]["sourceControl"]
    assert source["location"]["remote"][0]["urlString"] == url and source["requirement"] == {"branch": ["next"]}
    products = [each["product"] for target in manifest["targets"] for each in target["dependencies"] if "product" in each]
    assert [product[1] for product in products].count(identity) == 6
    # What a stage is written with beside them.
    assert {tuple(product[:2]) for product in products if product[1] != identity} == {("NIOCore", "swift-nio"), ("Logging", "swift-log")}
    # What the package manager itself calls the dependency.
    assert source["identity"] == identity


async def test_a_folder_that_is_taken_and_names_that_are_none(binary, tmp_path):
    (tmp_path / "mine").write_text("precious")
    taken = await run(binary, "stage", "new", "mark", "--fluidity", ROOT, "--into", tmp_path, within=20)
    assert taken.status == 73 and (tmp_path / "mine").read_text() == "precious"
    for name in ("Mark", "mark_it", "-mark", "1mark", "mark-", "", "a/b"):
        refused = await run(binary, "stage", "new", f"--into={tmp_path / 'x'}", "--fluidity", ROOT, "--", name, within=20)
        assert refused.status == 64, f"{name}: {refused.text}"
    known = await run(binary, "stage", "new", "fetch", "--fluidity", ROOT, within=20)
    assert known.status == 64 and "already" in known.text
