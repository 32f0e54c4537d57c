"""What pairs of measurements say about two programs: better, worse, no difference that matters, or nothing yet.

The figure of a pair is the logarithm of the ratio of two measurements that were made one right after the other, so that whatever a
machine does for longer than a pair falls out. Nothing is assumed of the noise but that it is as likely to help one program as the
other: Wilcoxon's signed-rank test, with its exact distribution, and the interval that belongs to it (Hodges and Lehmann).
"""

import math
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, count

GROWTH = 1.5  # How many more rounds there are at each look than at the one before.


@cache
def _at_most(pairs):
    """The chance that the signed ranks of so many pairs sum up to 0, 1, 2 … or less, when each sign is a toss of a coin."""
    chances = [1.0]
    for rank in range(1, pairs + 1):
        grown = [chance / 2 for chance in chances] + [0.0] * rank
        for total, chance in enumerate(chances):
            grown[total + rank] += chance / 2
        chances = grown
    return list(accumulate(chances))


class Sample:
    """The log ratios of one line, and all their Walsh averages: the means of every two of them, and each itself."""

    def __init__(self, ratios):
        self.pairs = len(ratios)
        self.averages = sorted((ratios[i] + ratios[j]) / 2 for i in range(self.pairs) for j in range(i, self.pairs))

    @property
    def estimate(self):
        middle = len(self.averages) // 2
        return self.averages[middle] if len(self.averages) % 2 else (self.averages[middle - 1] + self.averages[middle]) / 2

    def chance_of_less(self, centre):
        """How likely so little is, when the ratio's centre is `centre` or more."""
        return self._chance(sum(average > centre for average in self.averages), centre)

    def chance_of_more(self, centre):
        """How likely so much is, when the ratio's centre is `centre` or less."""
        return self._chance(sum(average < centre for average in self.averages), centre)

    def _chance(self, rank_sum, centre):
        ties = sum(average == centre for average in self.averages)
        return min(1.0, _at_most(self.pairs)[rank_sum + (ties + 1) // 2])

    def chance_of_difference(self):
        """How likely something so far from 1 is, when the programs are alike."""
        return min(1.0, 2 * min(self.chance_of_less(0), self.chance_of_more(0)))

    def chance_of_likeness(self, smallest):
        """How likely something so close to 1 is, when they differ by `smallest` or more."""
        return max(self.chance_of_less(smallest), self.chance_of_more(-smallest))

    def interval(self, error):
        """Where the centre lies, but for a chance of `error`. Without bounds where there are too few pairs to say."""
        outside = sum(chance <= error / 2 for chance in _at_most(self.pairs)) - 1
        if outside < 0:
            return -math.inf, math.inf
        return self.averages[outside], self.averages[-1 - outside]


def holm(chances, error, hypotheses):
    """Holm: which of them are rejected so that, of all `hypotheses`, one that is true is rejected with a chance of `error` at most.
    `hypotheses` counts those in `chances` and others that are true or not known to be false."""
    rejected = set()
    for key in sorted(chances, key=chances.get):
        if chances[key] > error / (hypotheses - len(rejected)):
            break
        rejected.add(key)
    return rejected


def fewest_pairs(error):
    """With fewer, even pairs that all say the same may be chance."""
    return math.ceil(1 - math.log2(error))


def schedule(lines, rounds, error):
    """After which rounds there is a look at the figures. It's made beforehand: looking again and again until something shows would
    show something in the end. Each look may err as often as the others. Empty where `rounds` are too few."""
    for looks in count(1):
        at = fewest_pairs(error / looks / lines)
        if at > rounds:
            return []
        made = [at]
        while made[-1] < rounds:
            made.append(min(rounds, math.ceil(made[-1] * GROWTH)))
        if len(made) <= looks:
            return made


@dataclass
class Verdict:
    """What is known of a line. `low` and `high` hold for all lines together; `needed` rounds would about tell what can't be told."""

    word: str | None
    estimate: float
    low: float
    high: float
    rounds: int
    needed: int | None = None


class Trial:
    """Lines that are judged together, at looks that were fixed beforehand.

    Two kinds of claims are made, each with a chance of `error` that one of all in the trial is false: that programs differ, and that they
    don't differ by `smallest`. An even part of the chance is spent at each look (Bonferroni), and at a look among the lines by Holm.
    """

    def __init__(self, lines, rounds, error=0.05, smallest=0.02):
        self.lines = list(lines)
        self.smallest = math.log1p(smallest)
        self.looks = schedule(len(self.lines), rounds, error)
        self.error = error / max(1, len(self.looks))
        self.rounds = rounds
        self.verdicts = {}
        self._differing = set()
        self._alike = set()

    def look(self, ratios):
        """Judges the lines that weren't yet, each by its log ratios, in which more is better."""
        total = len(self.lines)
        samples = {line: Sample(ratios[line]) for line in self.open if line in ratios}
        different = {line: each.chance_of_difference() for line, each in samples.items() if line not in self._differing}
        alike = {line: each.chance_of_likeness(self.smallest) for line, each in samples.items()}
        self._differing |= holm(different, self.error, total - len(self._differing))
        self._alike |= holm(alike, self.error, total - len(self._alike))
        for line, sample in samples.items():
            self.verdicts[line] = self._verdict(line, sample)

    @property
    def open(self):
        return [line for line in self.lines if line not in self.verdicts or self.verdicts[line].word is None]

    @property
    def hopeful(self):
        """Lines of which there may be something to tell yet: the others would need more than twice the rounds that there are."""
        return [line for line in self.open if line not in self.verdicts or self.verdicts[line].needed <= 2 * self.rounds]

    def _verdict(self, line, sample):
        estimate, (low, high) = sample.estimate, sample.interval(self.error / len(self.lines))
        known = Verdict(None, estimate, low, high, sample.pairs)
        if line in self._alike:
            known.word = "alike"
        elif line in self._differing and abs(estimate) >= self.smallest:
            known.word = "better" if estimate > 0 else "worse"
        else:
            known.needed = self._needed(known)
        return known

    def _needed(self, known):
        """An interval gets shorter with the root of the rounds. Where it's to end before 0, or before what matters."""
        if math.isinf(known.high):
            return known.rounds + 1
        distance = abs(known.estimate) if abs(known.estimate) >= self.smallest else self.smallest - abs(known.estimate)
        reach = (known.high - known.low) / 2
        return max(known.rounds + 1, math.ceil(known.rounds * (reach / max(distance, self.smallest / 4)) ** 2))
