"""What Benchmarks/compare says of two programs, from figures that are made up: of machines that drift by a third and are disturbed.
And that it runs."""

import json
import math
import random
import sys

import pytest

from harness.fluidity import ROOT, find_binary
from harness.processes import Finished, run

sys.path.append(str(ROOT / "Benchmarks"))
from bench.paired import Sample, Trial, fewest_pairs, holm, schedule  # noqa: E402

ROUNDS = 60


class Machine:
    """Its speed wanders by a third up and down, and what is measured varies: mostly a little, now and then by half."""

    def __init__(self, chance: random.Random, noise: float):
        self.chance = chance
        self.noise = noise
        self.phase = chance.uniform(0, 2 * math.pi)
        self.other_work = 0.0
        self.time = 0

    def measure(self, speed: float) -> float:
        self.time += 1
        if self.chance.random() < 0.02:
            self.other_work = self.chance.choice([0, 0.15, 0.3])
        drift = 1 + math.sin(self.phase + self.time / 40) / 3 - self.other_work
        disturbed = self.chance.uniform(0.5, 1) if self.chance.random() < 0.05 else 1
        return 1000 * speed * drift * disturbed * math.exp(self.chance.gauss(0, self.noise))


def compared(seed: int, speeds: list[float], noise: float = 0.03) -> list[str]:
    """The words for lines in which the one program is so much faster than the other, as Benchmarks/compare measures them."""
    machine = Machine(random.Random(seed), noise)
    lines = [f"line {number}" for number in range(len(speeds))]
    trial = Trial(lines, ROUNDS)
    ratios: dict[str, list[float]] = {line: [] for line in lines}
    for look in trial.looks:
        while len(ratios[lines[0]]) < look:
            for number, (line, speed) in enumerate(zip(lines, speeds)):
                pairs = []
                for turn in range(2):
                    order = ("base", "this") if (len(ratios[line]) + number + turn) % 2 == 0 else ("this", "base")
                    measured = {name: machine.measure(speed if name == "this" else 1) for name in order}
                    pairs.append(math.log(measured["this"] / measured["base"]))
                ratios[line].append(sum(pairs) / 2)
        trial.look(ratios)
    return [trial.verdicts[line].word for line in lines]


def test_program_against_itself():
    """Of 300 comparisons in which nothing differs, 15 may find something; without care for lines and looks about 100 would."""
    wrong = sum(any(word in ("better", "worse") for word in compared(seed, [1] * 6)) for seed in range(300))
    assert wrong <= 15


def test_nothing_differs():
    """Half of all lines and more are known to be alike within the rounds; none would be if the drift counted."""
    words = [word for seed in range(20) for word in compared(seed, [1] * 6, noise=0.015)]
    assert words.count("alike") > len(words) / 2


@pytest.mark.parametrize(("speed", "word"), [(0.9, "worse"), (0.95, "worse"), (1.05, "better"), (1.1, "better")])
def test_programs_that_differ(speed, word):
    """One line of six differs: it's found, and nothing is found of it that isn't so."""
    words = [compared(seed, [1, 1, speed, 1, 1, 1])[2] for seed in range(50)]
    assert words.count(word) >= 48
    assert set(words) <= {word, None}


def test_difference_that_does_not_matter():
    """Half a per cent faster, and so surely that it's seen: still it's no difference that matters."""
    words = [compared(seed, [1.005], noise=0.002)[0] for seed in range(50)]
    assert words.count("alike") >= 45
    assert "worse" not in words


def test_known_sample():
    """Depression scale factors of Hollander and Wolfe, Nonparametric Statistical Methods, Table 3.1, which R's wilcox.test has as its example."""
    before = (1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30)
    after = (0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29)
    sample = Sample([a - b for a, b in zip(before, after)])
    assert sample.chance_of_more(0) == pytest.approx(0.01953125)
    assert sample.chance_of_difference() == pytest.approx(0.0390625)
    assert sample.estimate == pytest.approx(0.46)
    assert sample.interval(0.05) == pytest.approx((0.01, 0.786))


def test_ties_are_no_evidence():
    assert Sample([0.0] * 20).chance_of_difference() == 1
    assert Sample([0.0] * 20).chance_of_likeness(0.02) < 0.001


def test_interval_has_no_bounds_with_too_few_pairs():
    assert Sample([0.1] * 5).interval(0.05) == (-math.inf, math.inf)
    assert Sample([0.1] * 6).interval(0.05) == (0.1, 0.1)
    assert fewest_pairs(0.05) == 6


@pytest.mark.parametrize(
    ("chances", "hypotheses", "rejected"),
    [
        ({"a": 0.01, "b": 0.02, "c": 0.04}, 3, {"a", "b", "c"}),
        ({"a": 0.01, "b": 0.03, "c": 0.04}, 3, {"a"}),
        ({"a": 0.02, "b": 0.001}, 4, {"b"}),
        ({"a": 0.02}, 3, set()),
        ({}, 3, set()),
    ],
)
def test_holm(chances, hypotheses, rejected):
    assert holm(chances, 0.05, hypotheses) == rejected


@pytest.mark.parametrize("lines", [1, 2, 24])
@pytest.mark.parametrize("rounds", [12, 40, 60, 200])
def test_schedule(lines, rounds):
    """The first look is one at which something can be told, the last one is at the end."""
    looks = schedule(lines, rounds, 0.05)
    assert looks == sorted(set(looks)) and looks[-1] == rounds
    assert looks[0] >= fewest_pairs(0.05 / lines / len(looks))


def test_too_few_rounds_for_anything():
    assert schedule(24, 9, 0.05) == []


async def compare(*arguments) -> Finished:
    return await run(sys.executable, ROOT / "Benchmarks/compare", "--fluidity", find_binary(), *arguments, within=120)


async def test_comparing_program_with_itself():
    """As few rounds as can tell anything. What they tell is up to the machine, and so isn't looked at."""
    done = await compare(find_binary(), "get-32", "--rounds", "7", "--json")
    assert done.status in (0, 1), done.text
    result = json.loads(done.output)
    assert [(line["row"], line["metric"], line["rounds"], len(line["ratios"])) for line in result["lines"]] == [
        ("get-32", "rate", 7, 7),
        ("get-32", "cpu", 7, 7),
    ]
    for line in result["lines"]:
        assert line["base"] > 0 and line["this"] > 0 and line["low"] <= line["change"] <= line["high"]
    assert any(line["verdict"] == "worse" for line in result["lines"]) == (done.status == 1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no-such-commit"], "no-such-commit is neither a program nor a commit"),
        ([sys.executable, "get-3"], "no such rows: get-3"),
        ([sys.executable, "--rounds", "3"], "nothing can be told of 26 lines in 3 rounds"),
    ],
)
async def test_what_cannot_be_compared(arguments, said):
    done = await compare(*arguments)
    assert done.status == 2
    assert said in done.text
