"""Lines of answered requests: together, soon, none lost at the end, none below the level."""

import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest

ROOT = Path(__file__).parents[2]
CEILING_S = 60.0
PROGRAM = """
import asyncio, sys
from majlis.kit import log

log.configure(*sys.argv[1:3])

def answered(number):
    log.access("GET", f"/{number}", 200, 1.5, "r", None)

async def work():
    for number in range(100):
        answered(number)
    await asyncio.to_thread(sys.stdin.readline)
    answered("last")

asyncio.run(work())
"""
FIELDS = {"event", "level", "timestamp", "method", "path", "status", "ms", "request_id", "user"}


def program(level: str, form: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", PROGRAM, level, form]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT)


@pytest.mark.rule("afrochat:R21")
def test_lines_come_soon_and_whole() -> None:
    with program("info", "json") as process:
        assert process.stdout is not None
        alarm = threading.Timer(CEILING_S, process.kill)  # for lines that are kept until the end
        alarm.start()
        lines = [msgspec.json.decode(process.stdout.readline()) for _ in range(100)]
        alarm.cancel()
        rest = [msgspec.json.decode(line) for line in process.communicate("\n")[0].splitlines()]
    assert [line["path"] for line in lines] == [f"/{number}" for number in range(100)]
    assert [line["path"] for line in rest] == ["/last"]
    assert set(lines[0]) == FIELDS
    assert (lines[0]["event"], lines[0]["level"], lines[0]["status"]) == ("request", "info", 200)


@pytest.mark.parametrize("level, form, expected", [("warning", "json", 0), ("info", "text", 101)])
def test_level_and_format_count(level: str, form: str, expected: int) -> None:
    with program(level, form) as process:
        found = [line for line in process.communicate("\n")[0].splitlines() if "path" in line]
    assert len(found) == expected
    assert all(not line.startswith("{") for line in found)
