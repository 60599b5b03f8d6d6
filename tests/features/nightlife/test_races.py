"""Places of an event that many want to come to at once."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from majlis.features.boxoffice import store as boxes
from majlis.features.boxoffice.model import Office
from majlis.features.nightlife import service
from majlis.kit.db import Query
from majlis.kit.me import Me
from tests.features.orders.selling import (
    FREE,
    at_the_office,
    crowd,
    office,
    outcomes,
    passing_by,
    show,
    together,
    unguarded,
)
from tests.world import World

SOME = 6


def coming(world: World, me: Me, event: dict[str, Any]) -> Callable[[], Awaitable[Any]]:
    """Somebody says to come."""

    async def come() -> Any:
        async with world.app.db.tx() as tx:
            return await service.attend(tx, me, UUID(event["id"]), "going")

    return come


@pytest.mark.rule("sioree:D15")
def test_as_many_come_as_there_are_places(clone: World) -> None:
    event, _ = show(clone, clone.person(), 2, FREE)
    found = at_the_office(clone, event, [coming(clone, me, event) for me in crowd(clone, SOME)])
    assert outcomes(found) == {"Post": 2, "EventFull": SOME - 2}
    assert office(clone, event) == (0, 2)
    assert clone.sql("SELECT count(*)::int AS n FROM event_interests WHERE event_state = 'going'") == [
        {"n": 2}
    ]


def without_waiting(patch: pytest.MonkeyPatch) -> None:
    """Let box offices hold nobody back."""
    columns = ", ".join(Office.__struct_fields__)
    patch.setattr(boxes, "HOLD", Query(Office, f"SELECT {columns} FROM box_offices WHERE post_id = $1"))


def test_control_without_the_guard_all_come(clone: World, monkeypatch: pytest.MonkeyPatch) -> None:
    event, _ = show(clone, clone.person(), 2, FREE)
    without_waiting(monkeypatch)
    unguarded(clone, monkeypatch)
    found = at_the_office(clone, event, [coming(clone, me, event) for me in crowd(clone, SOME)])
    assert outcomes(found) == {"Post": SOME}


@pytest.mark.rule("sioree:R32")
def test_who_says_it_several_times_at_once_takes_one_place(clone: World) -> None:
    event, _ = show(clone, clone.person(), 10, FREE)
    (me,) = crowd(clone, 1)
    found = at_the_office(clone, event, [coming(clone, me, event)] * SOME)
    assert outcomes(found) == {"Post": SOME}
    assert office(clone, event) == (0, 1)


def test_control_who_is_not_held_back_takes_several(clone: World, monkeypatch: pytest.MonkeyPatch) -> None:
    event, _ = show(clone, clone.person(), 10, FREE)
    (me,) = crowd(clone, 1)
    without_waiting(monkeypatch)
    passing_by(monkeypatch)
    together(clone, "LOCK TABLE orders IN SHARE MODE", [], [coming(clone, me, event)] * SOME)
    assert clone.sql("SELECT count(*)::int AS n FROM tickets") == [{"n": SOME}]
