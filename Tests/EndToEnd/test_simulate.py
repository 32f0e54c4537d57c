"""`fluidity simulate`: what it prints, what it refuses, and that the model's idea of AWS is that of moto."""

import json
import re

import pytest

from harness import aws_recording
from harness.aws import Moto
from harness.fluidity import ROOT
from harness.processes import run

CONTROL = ROOT / "configs/control.yaml"


@pytest.fixture
def simulate(binary):
    async def simulate(*arguments):
        return await run(binary, "simulate", *arguments, within=120, cwd=ROOT)

    return simulate


@pytest.fixture(scope="module")
def fresh_moto(tmp_path_factory):
    moto = Moto(tmp_path_factory.mktemp("moto"))
    moto.make_service()
    yield moto
    moto.kill()


def test_the_recording_is_what_moto_answers(fresh_moto):
    """The unit tests hold the model against the recording; here the recording is held against moto itself."""
    recorded = json.loads((ROOT / "Tests/HostsTests/Simulation/Fixtures/moto.json").read_text())
    now = aws_recording.record(fresh_moto.url, aws_recording.prepare(fresh_moto))
    assert [(call["operation"], call["status"], call["input"]) for call in now] == [
        (call["operation"], call["status"], call["input"]) for call in recorded
    ]
    for here, there in zip(now, recorded):
        assert aws_recording.shape(here["output"]) == aws_recording.shape(there["output"]), here["operation"]


async def test_a_report_for_people(simulate):
    done = await simulate(CONTROL, "--days", "3", "--pattern", "bursty")
    assert done.status == 0, done.text
    for word in ("hours up", "cost", "tasks", "waits for a start", "cut", "sleeps", "up for nobody", "What the idle check said"):
        assert re.search(rf"^{word}", done.text, re.MULTILINE), done.text


async def test_the_same_seed_gives_the_same_report(simulate):
    options = [CONTROL, "--days", "2", "--json", "--fault", "throttled=0.2"]
    first, second = await simulate(*options, "--seed", "7"), await simulate(*options, "--seed", "7")
    assert first.status == 0, first.text
    assert first.output == second.output
    assert (await simulate(*options, "--seed", "8")).output != first.output


async def test_a_trace(simulate, tmp_path):
    trace = tmp_path / "uses.csv"
    trace.write_text(
        "start,agent,kind,duration,bytes\n"
        "2026-11-30T09:00:00Z,ada,transfer,600,50000000\n"
        "2026-11-30T09:05:00Z,grace,request,1,2000\n"
        "2026-11-30T14:00:00Z,ada,request,1,2000\n"
    )
    done = await simulate(CONTROL, "--trace", trace, "--json", "--price", "1")
    assert done.status == 0, done.text
    report = json.loads(done.output)
    assert report["days"] == 1 and report["agents"] == 2
    assert report["uses"] == {"wanted": 3, "served": 3, "refused": 0, "cutBySleep": 0, "cutOtherwise": 0}
    assert report["tasks"]["wakes"] == 2
    assert report["cost"]["dollars"] == pytest.approx(report["hours"]["up"], abs=0.01)


async def test_the_policy_is_the_file_s(simulate):
    """A longer threshold keeps the server up for longer: the file's own numbers count."""
    hours = []
    for threshold in ("5m", "60m"):
        longer = ("--set", f"pipeline.ecs-service.idle-threshold={threshold}")
        done = await simulate(CONTROL, "--days", "3", "--pattern", "bursty", "--json", *longer)
        assert done.status == 0, done.text
        hours.append(json.loads(done.output)["hours"]["up"])
    assert hours[0] < hours[1]


@pytest.mark.parametrize(
    "arguments, status, message",
    [
        (["configs/agent.yaml"], 65, "there is no stage 'ecs-service'"),
        (["configs/nowhere.yaml"], 65, "nowhere.yaml"),
        (["configs/control.yaml", "--trace", "nowhere.csv"], 65, "the trace can't be read"),
        (["configs/control.yaml", "--fault", "noise"], 64, "there is no fault 'noise'"),
        (["configs/control.yaml", "--metrics-delay", "soon"], 64, "--metrics-delay is a time"),
        (["configs/control.yaml", "--kill-at", "25:00"], 64, "--kill-at is a time of day"),
        (["configs/control.yaml", "--days", "0"], 64, "--days is a number"),
        (["configs/control.yaml", "--agent", "configs/server.yaml"], 65, "server.yaml"),
    ],
)
async def test_what_it_refuses(simulate, arguments, status, message):
    done = await simulate(*arguments)
    assert done.status == status, done.text
    assert message in done.text


async def test_a_bad_row_is_named(simulate, tmp_path):
    trace = tmp_path / "uses.csv"
    trace.write_text("start,agent,kind,duration,bytes\n1,ada,request,1,1\n2,ada,dance,1,1\n")
    done = await simulate(CONTROL, "--trace", trace)
    assert done.status == 65
    assert f"{trace}:3" in done.text and "there is no kind of use 'dance'" in done.text
