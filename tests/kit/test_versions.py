"""What is made of rows is remembered for as long as the rows are what they were."""

from typing import Any

import pytest

from majlis.kit.versions import Versions
from tests.world import World


def test_a_value_holds_for_its_version_only() -> None:
    kept = Versions[str](2)
    assert kept.put("a", 1, "first") == "first"
    assert kept.get("a", 1) == "first"
    assert kept.get("a", 2) is None and kept.get("b", 1) is None
    kept.put("a", 2, "second")
    assert (kept.get("a", 1), kept.get("a", 2), len(kept)) == (None, "second", 1)


def test_what_was_not_asked_for_the_longest_leaves_first() -> None:
    kept = Versions[str](2)
    kept.put("a", 1, "a")
    kept.put("b", 1, "b")
    assert kept.get("a", 1) == "a"
    kept.put("c", 1, "c")
    assert [kept.get(key, 1) for key in "abc"] == ["a", None, "c"]


@pytest.mark.parametrize("columns, told_apart", [("xmin, ctid", True), ("xmin", False)])
def test_two_changes_in_one_transaction_are_two_versions(
    world: World, columns: str, told_apart: bool
) -> None:
    """With the control: the transaction alone does not tell them apart."""

    async def versions() -> list[tuple[Any, ...]]:
        found = []
        async with world.app.db.tx() as tx:
            await tx.run("CREATE TEMP TABLE things (name text) ON COMMIT DROP")
            await tx.run("INSERT INTO things VALUES ('a')")
            for name in "bc":
                await tx.run("UPDATE things SET name = $1", name)
                found.append(tuple((await tx.records(f"SELECT {columns} FROM things"))[0]))
            await tx.run("DROP TABLE things")
        return found

    first, second = world.go(versions())
    assert (first != second) is told_apart


def test_a_database_keeps_by_name_until_it_forgets(world: World) -> None:
    kept = world.app.db.versions("things", 1)
    kept.put("a", 1, "value")
    assert world.app.db.versions("things", 1) is kept
    assert world.app.db.read().versions("things", 1).get("a", 1) == "value"
    world.app.db.forget()
    assert world.app.db.versions("things", 1).get("a", 1) is None
