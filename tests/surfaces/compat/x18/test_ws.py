"""GET /x18/ws: what one is told, direct messages and hints at a home, as they happen."""

import json
from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import UUID

import pytest

from majlis.features.notifications import service as notifications
from majlis.features.sessions import service as sessions
from majlis.kit import facts, jobs
from majlis.kit.me import Me
from majlis.surfaces.compat.starter.audience import AUDIENCE as STARTER
from majlis.surfaces.compat.x18 import homes
from majlis.surfaces.compat.x18.audience import AUDIENCE
from majlis.surfaces.realtime import hub
from tests.access_x18 import through
from tests.features.media.private import check_private, pictured
from tests.features.queries import counted
from tests.surfaces.compat.starter.callers import somebody as at_starter
from tests.surfaces.compat.x18.people import X18
from tests.surfaces.realtime.talking import dm
from tests.surfaces.realtime.wires import Denied, Frame, Wire, wire
from tests.world import Person, World


def somebody(world: World, name: str | None = None) -> Person:
    """A person with tokens of this door."""
    return through(world, world.person(name), AUDIENCE)


def ws(world: World, who: Person) -> AbstractAsyncContextManager[Wire]:
    return wire(world, f"{X18}/ws?token={who.token}", protocols=())


async def next_of(one: Wire, event: str) -> Any:
    """The payload of the next frame of an event."""
    frame = await one.until(lambda frame: frame["event"] == event)
    assert set(frame) == {"event", "payload"}
    return frame["payload"]


async def counts(one: Wire, event: str, count: int) -> None:
    """So much is unread, sooner or later."""
    while (await next_of(one, event))["unread_count"] != count:
        pass


async def quiet(one: Wire) -> list[Frame]:
    """What has come until a ping is answered, and was waited for by nobody; without counters."""
    one.put({"event": "ping"})
    await next_of(one, "pong")
    found, one.waiting = one.waiting, []
    return [frame for frame in found if not frame["event"].endswith(".unread_count")]


async def call(world: World, method: str, path: str, who: Person, body: Any = None) -> Any:
    """One request while sockets are open; what follows from it in the background is done, too."""
    answer = await world.http.request(method, X18 + path, json=body, headers=who.auth)
    assert answer.is_success, answer.text
    await jobs.drain(world.app, world.app.db, facts.registry)
    return answer.json() if answer.content else None


@pytest.mark.rule("x18:R44")
def test_what_one_is_told_comes_and_goes(world: World) -> None:
    """The same object as in the list, with the number of those unread. Live updates are one of the extensions of the
    rule; groups and stories are no part of what is served of it."""
    amina, bilal, dara = somebody(world, "Amina"), somebody(world, "Bilal"), somebody(world, "Dara")

    async def main() -> None:
        post = await call(world, "POST", "/api/posts", amina, {"content": "bread"})
        async with ws(world, amina) as a, ws(world, dara) as d:
            await counts(a, "notification.unread_count", 0)
            await call(world, "POST", f"/api/posts/{post['id']}/like", bilal)
            got = await next_of(a, "notification.created")
            assert got["type"] == "like" and got["post_id"] == post["id"]
            await counts(a, "notification.unread_count", 1)
            page = await call(world, "GET", "/api/notifications", amina)
            assert page["notifications"] == [got]
            await call(world, "DELETE", f"/api/posts/{post['id']}/like", bilal)
            assert await next_of(a, "notification.deleted") == {"id": got["id"]}
            await counts(a, "notification.unread_count", 0)
            assert await quiet(d) == []

    world.go(main())


@pytest.mark.rule("x18:R44")
def test_reading_is_counted_wherever_it_happens(world: World) -> None:
    """Groups and stories are no part of it."""
    amina, bilal = somebody(world), somebody(world)

    async def main() -> None:
        async with ws(world, amina) as a, ws(world, amina) as a2:
            for _ in range(2):
                await call(world, "POST", f"/api/users/{amina.id}/follow", bilal)
                for one in (a, a2):
                    await counts(one, "notification.unread_count", 1)
                got = await next_of(a, "notification.created")
                await call(world, "PATCH", f"/api/notifications/{got['id']}/read", amina)
                await counts(a2, "notification.unread_count", 0)
                await call(world, "DELETE", f"/api/notifications/{got['id']}", amina)
                await call(world, "DELETE", f"/api/users/{amina.id}/follow", bilal)
            await call(world, "POST", f"/api/users/{amina.id}/follow", bilal)
            await counts(a, "notification.unread_count", 1)
            async with world.app.db.tx() as tx:  # as at the native door
                await notifications.read_all(tx, amina.me)
            await counts(a, "notification.unread_count", 0)

    world.go(main())


def test_what_was_withdrawn_is_not_told_late(world: World) -> None:
    """Its hint may have been looked up before, and come to the connection afterwards."""
    amina, bilal = somebody(world), somebody(world)

    async def main() -> None:
        async with ws(world, amina) as a:
            await call(world, "POST", f"/api/users/{amina.id}/follow", bilal)
            got = await next_of(a, "notification.created")
            async with world.app.db.read() as tx:
                late = await notifications.arrived(tx, amina.me, UUID(got["id"]))
            await call(world, "DELETE", f"/api/users/{amina.id}/follow", bilal)
            assert await next_of(a, "notification.deleted") == {"id": got["id"]}
            await counts(a, "notification.unread_count", 0)
            (connection,) = hub.of(world.app).people[amina.id]
            assert late is not None
            connection.notification(*late)
            connection.withdrawn(amina.id)  # behind it
            assert await next_of(a, "notification.deleted") == {"id": str(amina.id)}
            assert await quiet(a) == []

    world.go(main())


def test_what_this_contract_has_no_words_for_stays_away(world: World) -> None:
    amina = somebody(world)

    async def main() -> None:
        async with ws(world, amina) as a:
            async with world.app.db.tx() as tx:
                await notifications.inform(tx, Me.system, "SYSTEM", amina.id, "Hear", "This.", amina.id)
            await quiet(a)
            assert await quiet(a) == []

    world.go(main())


@pytest.mark.rule("x18:R44")
def test_direct_messages_reach_both(world: World) -> None:
    """Said, read and taken back. Groups and stories are no part of it."""
    amina, bilal, dara = somebody(world), somebody(world), somebody(world)

    async def main() -> None:
        async with ws(world, amina) as a, ws(world, bilal) as b, ws(world, dara) as d:
            await counts(b, "message.unread_count", 0)
            talk = await call(world, "POST", "/api/conversations", amina, {"user_id": str(bilal.id)})
            path = f"/api/conversations/{talk['id']}/messages"
            sent = await call(world, "POST", path, amina, {"content": "salaam"})
            for one in (a, b):
                assert await next_of(one, "message.created") == sent
            await counts(b, "message.unread_count", 1)
            await call(world, "PATCH", f"/api/messages/{sent['id']}/read", bilal)
            await counts(b, "message.unread_count", 0)
            read = await next_of(a, "message.read")
            assert read == {
                "conversation_id": talk["id"],
                "user_id": str(bilal.id),
                "message_ids": [sent["id"]],
            }
            await call(world, "DELETE", f"/api/messages/{sent['id']}", amina)
            for one in (a, b):
                assert await next_of(one, "message.deleted") == {"id": sent["id"]}
            assert await quiet(d) == []

    world.go(main())


@pytest.mark.rule("x18:R44")
def test_who_watches_their_home_hears_that_there_is_something_new(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How many posts, not which. Groups and stories are no part of it."""
    monkeypatch.setattr(homes, "PAUSE_S", 0.0)
    amina, bilal, dara, muting = (somebody(world) for _ in range(4))

    async def main() -> None:
        for follower in (bilal, muting):
            await call(world, "POST", f"/api/users/{amina.id}/follow", follower)
        world_sql = "INSERT INTO user_mutes (muter_id, muted_id, created_at) VALUES ($1, $2, now())"
        async with world.app.db.tx() as tx:
            await tx.run(world_sql, muting.id, amina.id)
        async with ws(world, bilal) as b, ws(world, dara) as d, ws(world, muting) as m, ws(world, amina) as a:
            for one in (b, d, m, a):
                one.put({"event": "home.watch"})
                assert await next_of(one, "home.watched") == {"watched": True}
            await call(world, "POST", "/api/posts", amina, {"content": "bread"})
            assert await next_of(b, "post.created") == {"count": 1}
            for one in (d, m, a):
                assert await quiet(one) == []
            b.put({"event": "home.unwatch"})
            assert await next_of(b, "home.watched") == {"watched": False}
            await call(world, "POST", "/api/posts", amina, {"content": "tea"})
            assert await quiet(b) == []

    world.go(main())


def test_all_who_watch_are_looked_up_in_one_statement(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many watch, and however many posts came since the last look."""
    monkeypatch.setattr(homes, "PAUSE_S", 0.0)
    amina, others = somebody(world), [somebody(world) for _ in range(5)]

    async def follow() -> list[str]:
        for one in others:
            await call(world, "POST", f"/api/users/{amina.id}/follow", one)
        made = [await call(world, "POST", "/api/posts", amina, {"content": "bread"}) for _ in range(3)]
        return [one["id"] for one in made]

    posts = world.go(follow())

    async def main() -> None:
        opened = [Wire(world, f"{X18}/ws?token={one.token}", protocols=()) for one in others]
        for one in opened:
            await one.opened()
            one.put({"event": "home.watch"})
            await next_of(one, "home.watched")
            await quiet(one)
        for post in posts:
            await world.app.bus.publish("posted", post.encode())
        for one in opened:
            assert await next_of(one, "post.created") == {"count": 3}
        for one in opened:
            await one.close()

    with counted(world) as seen:
        world.go(main())
    assert len([query for query in seen if "unnest($1::uuid[]) AS v" in query]) == 1


def test_pictures_in_messages_have_signed_addresses_over_every_socket(world: World) -> None:
    """Here, and over the plain sockets of the other doors, whose frames are theirs, too."""
    native, bilal = world.person("Amina"), world.person("Bilal")
    stream = dm(world, native, bilal)
    path, photo = pictured(world, native)
    here, there = through(world, bilal, AUDIENCE), through(world, bilal, STARTER)
    body = {"conversation_id": stream[2:], "content": photo["url"], "message_type": "IMAGE"}

    async def main() -> list[Frame]:
        async with (
            ws(world, here) as x, wire(world, f"/starter/ws?token={there.token}", protocols=()) as s,
            wire(world, "/ws", headers=bilal.auth, protocols=()) as n,
        ):  # fmt: skip
            answer = await world.http.post("/api/v1/chat/messages", json=body, headers=native.auth)
            assert answer.status_code == 201, answer.text
            return [
                await x.until(lambda frame: frame["event"] == "message.created"),
                await s.until(lambda frame: frame["type"] == "chat_message"),
                await n.until(lambda frame: frame["type"] == "chat"),
            ]

    for frame in world.go(main()):
        check_private(world, frame, path)


# ---- who gets in


@pytest.mark.rule("x18:R44")
def test_who_may_open_it(world: World) -> None:
    """Groups and stories are no part of it."""
    amina, native, other = somebody(world), world.person(), at_starter(world)

    async def denied(query: str, headers: dict[str, str] | None = None) -> str:
        with pytest.raises(Denied) as caught:
            async with wire(world, f"{X18}/ws{query}", headers=headers, protocols=()):
                pass
        body = json.loads(caught.value.body)
        assert (caught.value.status, set(body)) == (401, {"error", "code", "fields"})
        return str(body["code"])

    async def main() -> None:
        for token in ("made-up", native.token, other.token):
            assert await denied(f"?token={token}") == "unauthorized"
            assert await denied("", {"Authorization": f"Bearer {token}"}) == "unauthorized"
        native_ticket = (await world.http.post("/api/v1/auth/ws-ticket", headers=native.auth)).json()
        for ticket in ("made-up", native_ticket["ticket"]):
            assert await denied(f"?ticket={ticket}") == "unauthorized"
        made = await call(world, "POST", "/api/ws-ticket", amina)
        async with wire(world, f"{X18}/ws?ticket={made['ticket']}", protocols=()) as a:
            assert await quiet(a) == []
        assert await denied(f"?ticket={made['ticket']}") == "unauthorized"
        async with wire(world, f"{X18}/ws", headers=amina.auth, protocols=()) as a:
            assert await quiet(a) == []

    world.go(main())


def test_a_ticket_of_this_door_opens_no_other(world: World) -> None:
    amina = somebody(world)

    async def main() -> None:
        for path in ("/ws", "/starter/ws"):
            made = await call(world, "POST", "/api/ws-ticket", amina)
            with pytest.raises(Denied) as caught:
                async with wire(world, f"{path}?ticket={made['ticket']}", protocols=()):
                    pass
            assert caught.value.status == 401

    world.go(main())


@pytest.mark.rule("x18:R44")
def test_the_first_frame_may_hold_the_token(world: World) -> None:
    """Groups and stories are no part of it."""
    amina, native = somebody(world), world.person()

    async def main() -> None:
        async with wire(world, f"{X18}/ws", protocols=()) as a:
            a.put({"event": "auth", "payload": {"token": amina.token}})
            assert await quiet(a) == []
        for token in ("made-up", native.token):
            async with wire(world, f"{X18}/ws", protocols=()) as a:
                a.put({"event": "auth", "payload": {"token": token}})
                assert (await next_of(a, "error"))["code"] == "unauthorized"
                assert await a.ended() == 4401
        for frame, code in (({"event": "ping"}, 4401), ("{", 4400), ({"event": "auth"}, 4400), (b"x", 4400)):
            async with wire(world, f"{X18}/ws", protocols=()) as a:
                a.put(frame)
                assert await a.ended() == code

    world.go(main())


def test_who_says_nothing_is_closed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("majlis.surfaces.compat.x18.ws.AUTH_S", 0.0)

    async def main() -> None:
        async with wire(world, f"{X18}/ws", protocols=()) as a:
            assert await a.ended() == 4401

    world.go(main())


@pytest.mark.parametrize("suspended", [False, True])
def test_it_is_over_with_the_session(world: World, suspended: bool) -> None:
    amina, bilal = somebody(world), somebody(world)

    async def main() -> None:
        async with ws(world, amina) as a, ws(world, bilal) as b:
            if suspended:
                async with world.app.db.tx() as tx:
                    await sessions.suspend(world.app, tx, Me.system, amina.email, True)
            else:
                await call(world, "POST", "/api/auth/logout", amina, {})
            assert await a.ended() == (4403 if suspended else 4401)
            assert await quiet(b) == []

    world.go(main())


def test_nothing_behind_the_door_sees_the_token(world: World) -> None:
    """What the server's own protocol logs when a socket opens is what stands in its scope."""
    amina = somebody(world)

    async def main() -> None:
        one = Wire(world, f"{X18}/ws?token={amina.token}", protocols=())
        await one.opened()
        assert one._scope["query_string"] == b""
        await one.close()

    world.go(main())


def test_a_full_server_takes_nobody(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    amina = somebody(world)
    monkeypatch.setattr(hub.Hub, "full", property(lambda self: True))

    async def main() -> None:
        for path in (f"{X18}/ws?token={amina.token}", f"{X18}/ws"):
            async with wire(world, path, protocols=()) as a:
                assert await a.ended() == 1013
        assert hub.of(world.app).people == {}

    world.go(main())


def test_who_does_not_read_is_cut_off(world: World) -> None:
    amina = somebody(world)

    async def main() -> None:
        async with ws(world, amina) as a:
            await counts(a, "message.unread_count", 0)
            a.reading.clear()
            (connection,) = hub.of(world.app).people[amina.id]
            while connection.socket.closed is None:
                assert len(connection.outbox) <= 256
                connection.say("message.deleted", {"id": amina.id})  # type: ignore[attr-defined]
            assert connection.socket.closed == 4440 and len(connection.outbox) == 0
            a.reading.set()
            assert await a.ended() == 4440

    world.go(main())


def test_the_oldest_of_too_many_goes(world: World) -> None:
    amina = somebody(world)

    async def main() -> None:
        opened = []
        for _ in range(11):
            opened.append(Wire(world, f"{X18}/ws?token={amina.token}", protocols=()))
            await opened[-1].opened()
        assert await opened[0].ended() == 4409
        assert await quiet(opened[10]) == []
        for one in opened:
            await one.close()

    world.go(main())


def test_what_cannot_be_read_is_answered(world: World) -> None:
    amina = somebody(world)

    async def main() -> None:
        async with ws(world, amina) as a:
            for frame in ("{", "[]", '{"payload": {}}'):
                a.put(frame)
                assert (await next_of(a, "error"))["code"] == "bad_frame"
            a.put({"event": "dance"})
            assert (await next_of(a, "error"))["code"] == "unknown_event"
            a.put(b"binary")
            assert await a.ended() == 1003

    world.go(main())
