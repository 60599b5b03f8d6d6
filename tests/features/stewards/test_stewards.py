"""Who helps at the door: what stewards may, what they may not, and that they can be let go."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from majlis.features.audit import service as audit
from majlis.features.audit.model import AuditQuery
from majlis.features.boxoffice import store as boxes
from majlis.features.stewards import model, service
from majlis.kit import clock
from majlis.kit.me import Me
from tests.features.admission.test_admission import code, guests, look, scan
from tests.features.events.inviting import EVENTS, invite
from tests.features.orders.selling import ok, refused, together
from tests.features.posts.writing import block
from tests.features.queries import counted
from tests.features.waitlist.test_waitlist import full
from tests.world import Person, World

DUTIES = "/api/v1/stewardships"


def path(event: dict[str, Any], who: Person | None = None) -> str:
    return f"{EVENTS}/{event['id']}/stewards" + (f"/{who.id}" if who else "")


def named(world: World, host: Person, event: dict[str, Any], who: Person) -> dict[str, Any]:
    """Let somebody help."""
    return dict(ok(world.put(path(event, who), host)))


def results(world: World, who: Person, event: dict[str, Any], *scans: dict[str, Any]) -> list[dict[str, Any]]:
    """What a steward is told of scans."""
    return list(ok(world.post(f"{EVENTS}/{event['id']}/check-ins", who, {"scans": list(scans)}))["data"])


def test_a_steward_lets_people_in_as_the_host_does(world: World) -> None:
    host, amina, event, made = guests(world, 2)
    karim = world.person("Karim")
    tokens = [code(world, amina, ticket) for ticket in made]
    assert refused(world.post(f"{EVENTS}/{event['id']}/check-ins", karim, {"scans": [look(tokens[0])]})) == (
        403,
        "not_host",
    )
    shown = named(world, host, event, karim)
    assert (shown["user_id"], shown["person"]["first_name"]) == (str(karim.id), "Karim")
    (found,) = results(world, karim, event, look(tokens[0]))
    assert (found["result"], found["type_name"]) == ("admitted", "Entry")
    assert scan(world, host, event, look(tokens[0]), look(tokens[1])) == ["already_used", "admitted"]
    assert results(world, karim, event, look(tokens[1]))[0]["result"] == "already_used"
    (first,) = world.sql("SELECT scanned_by FROM check_ins WHERE result = 'admitted' ORDER BY id LIMIT 1")
    assert first["scanned_by"] == karim.id, "it is kept who let somebody in"


def test_a_steward_gets_what_scanners_need_and_nothing_else(world: World) -> None:
    host, amina, event, (ticket,) = guests(world)
    karim = world.person()
    named(world, host, event, karim)
    listed = ok(world.get(f"{EVENTS}/{event['id']}/guests", karim))
    assert listed == ok(world.get(f"{EVENTS}/{event['id']}/guests", host))
    assert [set(one) for one in listed["tickets"]] == [{"id", "serial", "status"}]
    (found,) = results(world, karim, event, look(code(world, amina, ticket)))
    assert found["ticket"] is None, "neither who holds it nor what was paid"
    told = str(found) + str(listed)
    assert not [secret for secret in (ticket["code"], ticket["order_id"], str(amina.id)) if secret in told]
    at = f"{EVENTS}/{event['id']}"
    for method, where in (
        ("GET", f"{at}/check-ins"),
        ("GET", f"{at}/attendance"),
        ("GET", f"{at}/tickets"),
        ("GET", f"{at}/orders"),
        ("GET", f"{at}/discount-codes"),
        ("GET", f"{at}/stewards"),
        ("PUT", f"{at}/stewards/{amina.id}"),
        ("DELETE", f"{at}/stewards/{amina.id}"),
    ):
        assert refused(world.request(method, where, karim)) == (403, "not_host"), where
    assert refused(world.get(f"/api/v1/tickets/{ticket['id']}", karim))[0] == 404


def test_of_another_event_a_steward_is_nobody(world: World) -> None:
    host, _, event, _ = guests(world)
    karim = world.person()
    named(world, host, event, karim)
    _, _, other, (ticket,) = guests(world)
    assert refused(world.get(f"{EVENTS}/{other['id']}/guests", karim)) == (403, "not_host")
    token = ticket["code"]
    assert results(world, karim, event, look(token))[0]["result"] == "unknown"


@pytest.mark.parametrize("by", ["host", "steward"])
def test_who_is_let_go_lets_nobody_in_from_then_on(world: World, by: str) -> None:
    host, amina, event, (ticket,) = guests(world)
    karim = world.person()
    named(world, host, event, karim)
    assert world.delete(path(event, karim), host if by == "host" else karim).status_code == 204
    body = {"scans": [look(code(world, amina, ticket))]}
    assert refused(world.post(f"{EVENTS}/{event['id']}/check-ins", karim, body)) == (403, "not_host")
    assert refused(world.get(f"{EVENTS}/{event['id']}/guests", karim)) == (403, "not_host")
    assert (ok(world.get(path(event), host))["data"], ok(world.get(DUTIES, karim))["data"]) == ([], [])
    assert world.delete(path(event, karim), host).status_code == 404


def test_a_block_between_host_and_steward_ends_it(world: World) -> None:
    host, _, event, _ = guests(world)
    karim = world.person()
    named(world, host, event, karim)
    block(world, host, karim)
    assert world.get(f"{EVENTS}/{event['id']}/guests", karim).status_code == 404
    (left,) = ok(world.get(path(event), host))["data"]
    assert left["person"] is None
    assert world.delete(path(event, karim), host).status_code == 204


def test_naming_and_letting_go_are_on_record(world: World) -> None:
    host, _, event, _ = guests(world)
    karim = world.person()
    for _ in range(2):  # the second changes nothing
        named(world, host, event, karim)
    ok(world.delete(path(event, karim), karim))

    async def trail() -> list[tuple[Any, ...]]:
        async with world.app.db.read() as tx:
            found = await audit.listing(tx, Me.system, AuditQuery(target_id=UUID(event["id"])))
        return [(one.action, one.actor_id, one.person_id) for one in found.items]

    assert world.go(trail()) == [
        ("steward_removed", karim.id, karim.id),
        ("steward_named", host.id, karim.id),
    ]


def test_who_cannot_be_a_steward(world: World) -> None:
    host, _, event, _ = guests(world)
    other, blocked, karim = (world.person() for _ in range(3))
    assert refused(world.put(path(event, host), host)) == (409, "host_is_there")
    assert refused(world.put(path(event, karim), other)) == (403, "not_host")
    block(world, host, blocked)
    assert refused(world.put(path(event, blocked), host)) in ((404, "not_found"), (409, "not_invited"))
    assert world.put(f"{EVENTS}/{event['id']}/stewards/{UUID(int=1)}", host).status_code == 404
    without = invite(world, host)
    assert refused(world.put(path(without, karim), host)) == (404, "no_tickets")


def test_where_one_helps(world: World) -> None:
    karim = world.person()
    host, _, event, _ = guests(world)
    named(world, host, event, karim)
    (found,) = ok(world.get(DUTIES, karim))["data"]
    assert (found["post_id"], found["title"]) == (event["id"], event["title"])

    async def later() -> int:
        async with world.app.db.read() as tx:
            return len(await service.duties(tx, karim.me))

    with clock.shifted(timedelta(days=9)):
        assert world.go(later()) == 0, "what is over is no duty"


def test_the_list_takes_the_same_number_of_queries(world: World) -> None:
    host, _, event, _ = guests(world)
    named(world, host, event, world.person())
    world.get(path(event), host)
    with counted(world) as few:
        world.get(path(event), host)
    for _ in range(3):
        named(world, host, event, world.person())
    with counted(world) as many:
        world.get(path(event), host)
    assert len(few) == len(many)


def naming(world: World, host: Person, event: dict[str, Any], who: Person) -> Any:
    async def add() -> None:
        async with world.app.db.tx() as tx:
            await service.add(tx, host.me, UUID(event["id"]), who.id)

    return add


def limited(clone: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What becomes of four who are named at once where two may be: whoever has counted waits before it is noted."""
    monkeypatch.setattr(service, "MOST", 2)
    host, event, _, _, _ = full(clone)
    works = [naming(clone, host, event, clone.person()) for _ in range(4)]
    holding = "LOCK TABLE audit_entries IN SHARE MODE"
    found = together(clone, holding, [], works)
    return sorted(type(one).__name__ for one in found)


def test_an_event_has_so_many_stewards_also_at_once(clone: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert limited(clone, monkeypatch) == ["NoneType"] * 2 + [model.TooManyStewards.__name__] * 2
    assert clone.sql("SELECT count(*) AS n FROM stewards") == [{"n": 2}]


def test_control_without_holding_the_office_everybody_is_among_the_first(
    clone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boxes, "HOLD", boxes.OFFICE)
    assert limited(clone, monkeypatch) == ["NoneType"] * 4
