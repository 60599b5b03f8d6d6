"""Lists and what the database alone can do of them, on little data."""

import shutil
from pathlib import Path

import pytest

from tests.bench import programs

KINDS = "feed,nearby,trending,comments,wall,search,markers,notifications"


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
def test_every_list_is_measured_beside_its_ceiling(scratch: Path) -> None:
    folder = scratch / "lists"
    folder.mkdir(mode=0o755)
    words = programs.run(
        "run.py", "--mixed", "--scale", "0.02", "--no-reference", "--worker", "off", "--kinds", KINDS,
        "--seconds", "2", "--rounds", "1", "--starts", "0", BENCH_DIR=str(folder),
    )  # fmt: skip
    assert "req/s" in words
    words = programs.run(
        "ceilings.py",
        "--kinds",
        KINDS,
        "--seconds",
        "2",
        "--requests",
        "3",
        "--clients",
        "2",
        BENCH_DIR=str(folder),
    )
    heads, _, *found = programs.rows(words)
    assert [row[0] for row in found] == KINDS.split(",")
    for row in found:
        one = dict(zip(heads, row, strict=True))
        assert float(one["req/s"]) > 0 and float(one["database alone: a second"]) > 0, one
