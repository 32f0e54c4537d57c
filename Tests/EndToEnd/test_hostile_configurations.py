"""Files made to exhaust whoever reads them: each is refused in under a second, of processor time, and with bounded memory."""

import pytest

from harness.memory import MiB, cost

#: Beside what `check` needs for a file of three lines.
ALLOWED = 32 * MiB
GOOD = 'pipeline:\n  - accept: { listen: "127.0.0.1:1" }\n  - http\n  - fetch\n'


def bomb() -> str:
    levels = [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 31)]
    return "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(levels) + "pipeline: [*a30]\n"


def entries(one: str) -> str:
    """As many stages as fit in a mebibyte."""
    return 'pipeline:\n  - accept: { listen: "127.0.0.1:1" }\n' + one * ((1 << 20) // len(one) - 5)


HOSTILE = {
    "an alias bomb": (bomb(), "is an anchor"),
    "ten megabytes of entries": ("pipeline: [" + "a, " * 3_500_000 + "]", "more than 1MiB"),
    "ten megabytes of comments": ("#" * 10_000_000, "more than 1MiB"),
    "brackets 10,000 deep": ("[" * 10_000, "nested more than 64 deep"),
    "lists 10,000 deep": ("- " * 10_000, "nested more than 64 deep"),
    "lines that go deeper": ("".join(" " * level + "a:\n" for level in range(1_300)), "nested more than 64 deep"),
    "half a million pieces": ("pipeline: [" + "a," * 500_000 + "]", "more than 50000 pieces"),
    "a text of a megabyte": ('pipeline: "' + "x" * 1_000_000 + '"', "wants a list of stages"),
    "8,000 unset variables": ("".join(f"k{number}: ${{env:V{number}}}\n" for number in range(8_000)) + GOOD, "'V7999' is not set"),
    "stages that don't fit": (entries("  - frame\n")[: 240_000], "more than 256 stages"),
    "stages behind the end": (entries("  - fetch\n")[: 240_000], "more than 256 stages"),
    "names that aren't known": (entries("  - circuit-braeker\n")[: 380_000], "more than 256 stages"),
}


@pytest.mark.parametrize("text, reason", HOSTILE.values(), ids=HOSTILE)
async def test_it_costs_little(binary, tmp_path, text, reason):
    good, hostile = tmp_path / "good.yaml", tmp_path / "hostile.yaml"
    good.write_text(GOOD)
    hostile.write_text(text)
    usual = await cost(binary, "check", good)
    assert usual.status == 0, usual.text
    refused = await cost(binary, "check", hostile)
    assert refused.status == 65 and reason in refused.text, refused.text[:2_000]
    assert refused.peak - usual.peak < ALLOWED, f"{refused.peak / MiB:.0f} MiB, where a good file takes {usual.peak / MiB:.0f}"
    # What grows with the square of such a file takes minutes.
    assert refused.seconds < 5


async def test_a_file_without_end(binary):
    refused = await cost(binary, "check", "/dev/zero")
    assert refused.status == 65 and "more than 1MiB" in refused.text, refused.text
    assert refused.peak < 64 * MiB
