"""The measurements of sockets, in small: they run, lose nothing and say what they found."""

import asyncio
from collections.abc import Callable

import pytest

from tests.bench import programs
from tests.conftest import _create, _name

SMALL = ("--sockets", "20", "--helpers", "2", "--workers", "0", "--rate", "20")


@pytest.fixture(scope="module")
def measured(runner: asyncio.Runner, postgres: Callable[[str], str], template: str) -> Callable[..., str]:
    """Runs a measurement on a database of its own that is migrated already; what it prints."""
    runner.run(_create(postgres("postgres"), _name(postgres, "majlis_sockets"), _name(postgres, template)))
    url = postgres("majlis_sockets")
    return lambda *arguments: programs.run("sockets.py", *arguments, *SMALL, "--database-url", url)


def test_idle_sockets_are_held_while_requests_are_answered(measured: Callable[..., str]) -> None:
    heads, figures = programs.rows(measured("idle", "--seconds", "1"))
    assert heads[0] == "sockets" and figures[0] == "20"
    assert float(figures[heads.index("REST p95 ms")]) > 0


def test_everybody_in_a_channel_hears_everything(measured: Callable[..., str]) -> None:
    heads, *rows = programs.rows(measured("fan", "--messages", "5"))
    assert len(rows) == 2
    for row in rows:
        found = dict(zip(heads, row, strict=True))
        assert (found["sockets"], found["processes"], found["lost"]) == ("20", "1", "0")


def test_what_is_sent_is_acknowledged(measured: Callable[..., str]) -> None:
    heads, figures = programs.rows(measured("sends", "--seconds", "1"))
    found = dict(zip(heads, figures, strict=True))
    assert found["sockets"] == "20" and float(found["p99 ms"]) > 0


def test_two_processes_behind_redis_lose_nothing(measured: Callable[..., str]) -> None:
    words = measured("nodes", "--messages", "5")
    if "skipped" in words:
        pytest.skip(words)
    found = programs.rows(words)
    heads = found[0]
    rows = [dict(zip(heads, row, strict=True)) for row in found if row != heads]
    assert [row["processes"] for row in rows] == ["1", "1", "2", "2"]
    assert {row["lost"] for row in rows} == {"0"}
