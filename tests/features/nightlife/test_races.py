"""Events that many want to come to at once, and that change meanwhile."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from majlis.features.boxoffice import store as boxes
from majlis.features.boxoffice.model import Office
from majlis.features.events import service as events
from majlis.features.nightlife import service, store
from majlis.features.nightlife.model import Night, NightUpdate
from majlis.features.orders import service as orders
from majlis.features.orders import store as rows
from majlis.features.posts import service as posts
from majlis.features.posts.model import Stance
from majlis.kit.db import Query, Tx
from majlis.kit.me import Me
from tests.features.orders.selling import (
    FREE,
    OFFICE_ROW,
    TYPE_ROW,
    at_the_office,
    crowd,
    office,
    outcomes,
    passing_by,
    show,
    together,
    unguarded,
)
from tests.waiting import in_turn
from tests.world import Person, World

SOME = 6


def coming(
    world: World, me: Me, event: dict[str, Any], stance: Stance = "going"
) -> Callable[[], Awaitable[Any]]:
    """Somebody says to come, or not."""

    async def come() -> Any:
        async with world.app.db.tx() as tx:
            return await service.attend(tx, me, UUID(event["id"]), stance)

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


def out_of_turn(patch: pytest.MonkeyPatch) -> None:
    """Let nobody wait for what they themselves say elsewhere."""
    patch.setattr(store, "IN_TURN", Query(object, "SELECT $1::text"))


def test_control_without_the_guard_all_come(clone: World, monkeypatch: pytest.MonkeyPatch) -> None:
    event, _ = show(clone, clone.person(), 2, FREE)
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
    out_of_turn(monkeypatch)
    passing_by(monkeypatch)
    together(clone, "LOCK TABLE orders IN SHARE MODE", [], [coming(clone, me, event)] * SOME)
    assert clone.sql("SELECT count(*)::int AS n FROM tickets") == [{"n": SOME}]


# ---- coming, and not coming after all

POST_ROW = "SELECT 1 FROM posts WHERE id = $1 FOR UPDATE"


def at_once(world: World) -> tuple[list[dict[str, Any]], tuple[int, int]]:
    """Somebody says to come, and at the same moment not to; what they said last, and what is sold then."""
    event, _ = show(world, world.person(), 10, FREE)
    (me,) = crowd(world, 1)
    both = [coming(world, me, event), coming(world, me, event, "not_interested")]
    assert outcomes(in_turn(world, POST_ROW, [UUID(event["id"])], both)) == {"Post": 2}
    said = world.sql("SELECT event_state FROM event_interests WHERE user_id = $1", me.id)
    return said, office(world, event)


def test_who_comes_and_does_not_at_once_leaves_no_ticket_behind(clone: World) -> None:
    assert at_once(clone) == ([{"event_state": "not_interested"}], (0, 0))


def test_control_out_of_turn_the_ticket_of_who_does_not_come_stays(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    out_of_turn(monkeypatch)
    assert at_once(clone) == ([{"event_state": "not_interested"}], (0, 1))


ORDERS = "SELECT 1 FROM orders FOR UPDATE"


def both_ways(world: World) -> tuple[list[Any], tuple[int, int]]:
    """Somebody who came does not, and is slow about the ticket, while somebody else comes; what is sold then."""
    event, _ = show(world, world.person(), 10, FREE)
    one, other = crowd(world, 2)
    world.go(coming(world, one, event)())
    found = in_turn(
        world, ORDERS, [], [coming(world, one, event, "not_interested"), coming(world, other, event)]
    )
    return found, office(world, event)


def test_who_comes_and_who_does_not_do_not_wait_in_a_circle(clone: World) -> None:
    found, sold = both_ways(clone)
    assert outcomes(found) == {"Post": 2} and sold == (0, 1)


def test_control_who_says_it_before_giving_the_ticket_back_waits_in_a_circle(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_up = orders.give_up_free

    async def late(tx: Tx, me: Me, post_id: UUID) -> None:
        await events.take_stance(tx, me, post_id, "not_interested")
        await give_up(tx, me, post_id)

    monkeypatch.setattr(orders, "give_up_free", late)
    assert outcomes(both_ways(clone)[0]) == {"Post": 1, "DeadlockDetectedError": 1}


def test_who_does_not_come_says_so_as_often_as_they_like(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    out_of_turn(monkeypatch)  # the order they have is guard enough
    event, _ = show(clone, clone.person(), 10, FREE)
    (me,) = crowd(clone, 1)
    clone.go(coming(clone, me, event)())
    found = together(clone, ORDERS, [], [coming(clone, me, event, "not_interested")] * SOME)
    assert outcomes(found) == {"Post": SOME}
    assert office(clone, event) == (0, 0)


def test_control_who_looks_before_the_order_is_held_is_refused(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    out_of_turn(monkeypatch)
    event, _ = show(clone, clone.person(), 10, FREE)
    (me,) = crowd(clone, 1)
    clone.go(coming(clone, me, event)())
    loose = Query(UUID, rows.HOLD_FREE.sql.replace("FOR NO KEY UPDATE", ""))
    monkeypatch.setattr(rows, "HOLD_FREE", loose)
    found = together(clone, ORDERS, [], [coming(clone, me, event, "not_interested")] * SOME)
    assert outcomes(found) == {"Post": 1, "TicketNotValid": SOME - 1}


# ---- the host changes it


def changing(
    world: World, host: Person, event: dict[str, Any], **fields: Any
) -> Callable[[], Awaitable[Night]]:
    """The host changes an event."""

    async def change() -> Night:
        return await service.change(world.app, host.me, UUID(event["id"]), NightUpdate(**fields))

    return change


def changed_while_sold(world: World) -> list[Any]:
    """Somebody takes a place, and the host changes what the event says and sells."""
    host = world.person()
    event, kind = show(world, host, 10, FREE)
    (me,) = crowd(world, 1)
    works = [coming(world, me, event), changing(world, host, event, title="A night", capacity=20)]
    return in_turn(world, TYPE_ROW, [UUID(kind)], works)


def test_an_event_is_changed_while_it_is_sold(clone: World) -> None:
    assert outcomes(changed_while_sold(clone)) == {"Post": 1, "Night": 1}


def test_control_a_post_that_is_held_before_the_office_is_waited_for_in_a_circle(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sell = service._sell

    async def late(tx: Tx, me: Me, post_id: UUID, body: NightUpdate) -> None:
        await posts.locked(tx, me, post_id)
        await sell(tx, me, post_id, body)

    monkeypatch.setattr(service, "_sell", late)
    assert outcomes(changed_while_sold(clone))["DeadlockDetectedError"] == 1


def two_changes(world: World, holding: str, first: dict[str, Any], second: dict[str, Any]) -> UUID:
    """The host changes two things of an event at once; which event."""
    host = world.person()
    event, _ = show(world, host, 10, FREE)
    world.go(changing(world, host, event, location="Kabul", tags=["house"])())
    works = [changing(world, host, event, **fields) for fields in (first, second)]
    assert outcomes(together(world, holding, [UUID(event["id"])], works)) == {"Night": 2}
    return UUID(event["id"])


def sells(world: World, post_id: UUID) -> tuple[int, int]:
    """(price, places) of an event."""
    found = world.sql(
        "SELECT t.price, o.capacity FROM box_offices o JOIN ticket_types t USING (post_id) WHERE post_id = $1",
        post_id,
    )
    return found[0]["price"], found[0]["capacity"]


def test_price_and_places_are_changed_at_once(clone: World) -> None:
    event = two_changes(clone, OFFICE_ROW, {"price": Decimal(5)}, {"capacity": 20})
    assert sells(clone, event) == (500, 20)


def test_control_who_does_not_hold_the_office_writes_back_what_was(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = ", ".join(Office.__struct_fields__)
    unheld = Query(Office, f"SELECT {columns} FROM box_offices WHERE post_id = $1")
    monkeypatch.setattr(boxes, "HOLD", unheld)
    event = two_changes(clone, OFFICE_ROW, {"price": Decimal(5)}, {"capacity": 20})
    assert sells(clone, event) != (500, 20)


NIGHT_ROW = "SELECT 1 FROM nightlife_events WHERE post_id = $1 FOR UPDATE"
# As who writes back what was there before they waited.
WRITTEN_BACK = """
INSERT INTO nightlife_events (post_id, location, tags, created_at, updated_at)
VALUES ($1, $2, coalesce($3::text[], '{}'), $4, $4)
ON CONFLICT (post_id) DO UPDATE SET (location, tags, featured) =
  (SELECT coalesce($2, n.location), coalesce($3, n.tags), n.featured FROM nightlife_events n WHERE n.post_id = $1)
"""


def details(world: World, post_id: UUID) -> tuple[Any, ...]:
    (row,) = world.sql("SELECT location, tags, featured FROM nightlife_events WHERE post_id = $1", post_id)
    return tuple(row.values())


def test_place_and_tags_are_changed_at_once(clone: World) -> None:
    event = two_changes(clone, NIGHT_ROW, {"location": "Herat"}, {"tags": ["jazz"]})
    assert details(clone, event) == ("Herat", ["jazz"], False)


def test_control_who_writes_back_what_was_undoes_the_other_change(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "CHANGE", WRITTEN_BACK)
    event = two_changes(clone, NIGHT_ROW, {"location": "Herat"}, {"tags": ["jazz"]})
    assert details(clone, event) in (("Herat", ["house"], False), ("Kabul", ["jazz"], False))


def featured_while_changed(world: World) -> tuple[Any, ...]:
    """An operator lets an event stand before others, and its host changes its tags; what it is then."""
    host, operator = world.person(), world.person(role="admin")
    event, _ = show(world, host, 10, FREE)
    world.go(changing(world, host, event, location="Kabul", tags=["house"])())

    async def feature() -> Any:
        async with world.app.db.tx() as tx:
            return await service.feature(tx, operator.me, UUID(event["id"]), True)

    works = [feature, changing(world, host, event, tags=["jazz"])]
    assert outcomes(in_turn(world, NIGHT_ROW, [UUID(event["id"])], works)) == {"Featured": 1, "Night": 1}
    return details(world, UUID(event["id"]))


def test_what_an_operator_features_stays_featured(clone: World) -> None:
    assert featured_while_changed(clone) == ("Kabul", ["jazz"], True)


def test_control_a_host_who_writes_it_back_undoes_it(clone: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "CHANGE", WRITTEN_BACK)
    assert featured_while_changed(clone) == ("Kabul", ["jazz"], False)
