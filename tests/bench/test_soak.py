"""Messages through servers, workers and databases that are killed: the short form, and what it would notice."""

import re
from typing import Any

import pytest

from tests.bench import programs

MESSAGES = 240


def test_what_was_acknowledged_is_there_once_whatever_is_killed() -> None:
    words = programs.run(
        "soak.py", "--messages", str(MESSAGES), "--kills", "1,1,2", "--senders", "8", "--readers", "2",
        "--conversations", "2",
    )  # fmt: skip
    assert f"acknowledged {MESSAGES} in" in words, words
    for kind, count in (("serve", 1), ("work", 1), ("database", 2)):
        assert f"killed: {kind} {count}" in words, words
    assert re.search(r"in doubt [1-9]", words), words  # the kills were felt
    assert "lost 0, duplicated 0, holes 0, differing 0" in words, words


audit: Any = programs.module("audit")
STREAM = "c_1"
LOG = [audit.Entry(seq, f"id{seq}", f"text {seq}") for seq in range(1, 6)]


def verdict(
    log: list[Any], table: list[Any] | None = None, reader: list[Any] | None = None, end: int = 5
) -> Any:
    acknowledged = {one.text: audit.Acknowledged(STREAM, one.seq, one.message_id) for one in LOG}
    there = audit.Stored({STREAM: log}, {STREAM: log if table is None else table}, {STREAM: end})
    return audit.judge(acknowledged, there, {"reader 1": {STREAM: log if reader is None else reader}})


def test_a_whole_log_is_good() -> None:
    assert verdict(LOG) == audit.Verdict(0, 0, 0, 0, [])
    assert verdict(LOG).good


def moved(log: list[Any], at: int) -> list[Any]:
    """The same with an entry that stands behind its place."""
    return [*log[:at], log[at + 1], log[at], *log[at + 2 :]]


TWICE = audit.Entry(6, "id6", "text 3")


@pytest.mark.parametrize(
    "changed, field, count",
    [
        ({"log": LOG[:4], "end": 4}, "lost", 1),  # the end is gone, as if it had never been
        ({"log": [*LOG[:2], *LOG[3:]]}, "lost", 3 + 1),  # those behind it are not at their places either
        ({"log": [*LOG[:2], audit.Entry(3, "other", "text 3"), *LOG[3:]]}, "lost", 1),
        ({"log": LOG, "reader": LOG[:4]}, "lost", 1),
        ({"log": LOG, "reader": [*LOG[:1], *LOG[2:]]}, "lost", 1),
        ({"log": [*LOG, TWICE], "end": 6}, "duplicated", 3),  # in the log, in the table and with the reader
        ({"log": LOG, "reader": [*LOG[:3], LOG[2], *LOG[3:]]}, "duplicated", 1),
        ({"log": LOG, "end": 6}, "holes", 3),
        ({"log": LOG, "reader": moved(LOG, 2)}, "holes", 2),
        ({"log": LOG, "table": LOG[:4]}, "holes", 1),
        ({"log": LOG, "reader": [*LOG[:4], audit.Entry(5, "id5", "changed")]}, "differing", 2),
    ],
)  # fmt: skip
def test_what_is_not_whole_is_noticed(changed: dict[str, Any], field: str, count: int) -> None:
    found = verdict(**changed)
    assert getattr(found, field) == count and not found.good, found
    assert found.words
