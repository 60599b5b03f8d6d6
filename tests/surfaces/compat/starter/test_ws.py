"""GET /starter/ws: frames of the contract."""

import json
import uuid
from typing import Any

import msgspec
import pytest

from majlis.kit import hints
from majlis.surfaces.compat.starter import ws as sockets
from majlis.surfaces.realtime import hub
from tests.surfaces.compat.starter.callers import API, STARTER, ask, data, of_type, quiet, somebody, until, ws
from tests.surfaces.realtime.wires import Denied, Wire, wire
from tests.world import Person, World


async def call(world: World, method: str, path: str, who: Person, body: Any = None) -> Any:
    answer = await world.http.request(method, API + path, json=body, headers=who.auth)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()["data"]


async def say(world: World, who: Person, to: Person, content: str = "salaam") -> Any:
    return await call(world, "POST", "/messages", who, {"receiverId": str(to.id), "content": content})


@pytest.mark.rule("starter:R17")
@pytest.mark.rule("starter:R19")
@pytest.mark.rule("starter:R27")
@pytest.mark.rule("starter:D8")
def test_a_message_reaches_both(world: World) -> None:
    amina, bilal, dara = somebody(world), somebody(world), somebody(world)

    async def main() -> None:
        async with ws(world, amina) as a, ws(world, bilal) as b, ws(world, dara) as d:
            sent = await say(world, amina, bilal)
            got, own = await of_type(b, "chat_message"), await of_type(a, "chat_message_sent")
            assert set(got) == set(own) == {*sent}
            assert got["id"] == own["id"] == sent["id"] and got["status"] == "delivered"
            answer = await say(world, bilal, amina, "alaykum")
            assert (await of_type(a, "chat_message"))["id"] == answer["id"]
            assert await quiet(d) == []

    world.go(main())
    found = data(ask(world, "GET", f"/messages?userId={bilal.id}", amina))
    assert {one["status"] for one in found} == {"delivered"}


@pytest.mark.rule("starter:D8")
def test_what_waited_is_delivered_when_the_receiver_connects(world: World) -> None:
    amina, bilal = somebody(world), somebody(world)

    async def main() -> None:
        sent = await say(world, amina, bilal)
        assert sent["status"] == "sent"

        async def delivered() -> bool:
            found = await call(world, "GET", f"/messages?userId={bilal.id}", amina)
            return bool(found[0]["status"] == "delivered")

        assert not await delivered()
        async with ws(world, bilal):
            await until(delivered)

    world.go(main())


@pytest.mark.rule("starter:R21")
@pytest.mark.rule("starter:D6")
def test_receipts_go_to_each_sender_with_their_own(world: World) -> None:
    amina, bilal, dara = somebody(world), somebody(world), somebody(world)

    async def main() -> None:
        async with ws(world, amina) as a, ws(world, dara) as d, ws(world, bilal) as b:
            first, second = await say(world, amina, bilal), await say(world, dara, bilal)
            third = await say(world, amina, bilal)
            ids = [first["id"], second["id"], third["id"], str(uuid.uuid4())]
            b.put({"type": "mark_read", "data": {"messageIds": ids}})
            for one, expected in ((a, {first["id"], third["id"]}), (d, {second["id"]})):
                receipt = await of_type(one, "read_receipt")
                assert set(receipt) == {"readerId", "messageIds"}
                assert (receipt["readerId"], {*receipt["messageIds"]}) == (str(bilal.id), expected)
            b.put({"type": "mark_read", "data": {"messageIds": ids}})
            await quiet(b)
            for one in (a, d):
                assert "read_receipt" not in {frame["type"] for frame in await quiet(one)}

    world.go(main())


def test_reading_at_another_door_is_told_too(world: World) -> None:
    amina, bilal = somebody(world), somebody(world)

    async def main() -> None:
        async with ws(world, amina) as a:
            sent = [await say(world, amina, bilal, str(number)) for number in range(2)]
            rows = await _rows(world, "SELECT conversation_id, last_seq FROM conversation_members "
                               "JOIN conversations c ON c.id = conversation_id WHERE user_id = $1", bilal.id)  # fmt: skip
            at = rows[0]
            native = await _native(world, bilal)
            path = f"/api/v1/conversations/{at[0]}/read"
            read = await world.http.put(path, json={"seq": at[1]}, headers=native)
            assert read.status_code == 200, read.text
            receipt = await of_type(a, "read_receipt")
            assert {*receipt["messageIds"]} == {one["id"] for one in sent}

    world.go(main())


async def _rows(world: World, query: str, *args: Any) -> list[Any]:
    async with world.app.db.read() as tx:
        return await tx.records(query, *args)


async def _native(world: World, who: Person) -> dict[str, str]:
    from majlis.features.sessions import service as sessions
    from majlis.kit.me import Me, Origin

    async with world.app.db.tx() as tx:
        pair = await sessions.open_session(world.app, tx, Me.system, who.id, Origin(), None)
    return {"Authorization": f"Bearer {pair.access_token}"}


@pytest.mark.rule("starter:R23")
def test_both_sides_hear_of_a_deletion(world: World) -> None:
    amina, bilal = somebody(world), somebody(world)

    async def main() -> None:
        async with ws(world, amina) as a, ws(world, bilal) as b:
            sent = await say(world, amina, bilal)
            await call(world, "DELETE", f"/messages/{sent['id']}", amina)
            for one in (a, b):
                assert await of_type(one, "message_deleted") == {"messageId": sent["id"]}

    world.go(main())


@pytest.mark.rule("starter:R17")
def test_typing(world: World) -> None:
    amina, bilal, dara = somebody(world), somebody(world), somebody(world)

    async def main() -> None:
        await say(world, amina, bilal)
        async with ws(world, amina) as a, ws(world, bilal) as b, ws(world, dara) as d:
            for typing in (True, False):
                a.put({"type": "typing", "data": {"receiverId": str(bilal.id), "isTyping": typing}})
                assert await of_type(b, "user_typing") == {"userId": str(amina.id), "isTyping": typing}
            d.put({"type": "typing", "data": {"receiverId": str(bilal.id), "isTyping": True}})
            await quiet(d)
            for one in (a, b):
                assert "user_typing" not in {frame["type"] for frame in await quiet(one)}

    world.go(main())


@pytest.mark.rule("starter:R17")
@pytest.mark.rule("starter:D15")
def test_partners_see_one_another_come_and_go(world: World) -> None:
    amina, bilal = somebody(world), somebody(world)

    async def main() -> None:
        await say(world, amina, bilal)
        async with ws(world, amina) as a:
            async with ws(world, bilal):
                assert await of_type(a, "presence") == {"userId": str(bilal.id), "isOnline": True}
            assert await of_type(a, "presence") == {"userId": str(bilal.id), "isOnline": False}

    world.go(main())


@pytest.mark.rule("starter:R35")
def test_collaborators_hear_of_changes(world: World) -> None:
    amina, bilal, dara = somebody(world), somebody(world), somebody(world)

    async def main() -> None:
        async with ws(world, amina) as a, ws(world, bilal) as b, ws(world, dara) as d:
            made = await call(world, "POST", "/documents", amina,
                              {"title": "Guests", "collaborators": [str(bilal.id)]})  # fmt: skip
            path = f"/documents/{made['id']}"
            changes = {"guest_list": {"first_name": "Dara"}, "gone": None}
            await call(world, "PATCH", path, amina, {"changes": changes})
            assert await of_type(b, "document_updated") == {
                "type": "document_updated", "documentId": made["id"], "changes": changes, "updatedBy": str(amina.id),
            }  # fmt: skip
            long = {"text": "bread " * 2000}  # more than a hint carries
            await call(world, "PATCH", path, bilal, {"changes": long})
            assert (await of_type(a, "document_updated"))["changes"] == long
            for one in (a, b, d):
                assert await quiet(one) == []

    world.go(main())


@pytest.mark.rule("starter:R36")
@pytest.mark.rule("starter:D11")
def test_rooms(world: World) -> None:
    amina, bilal, dara = somebody(world), somebody(world), somebody(world)
    about = {"roomId": "kitchen", "userId": str(bilal.id)}

    async def main() -> None:
        async with ws(world, amina) as a, ws(world, dara) as d:
            await call(world, "POST", "/rooms/kitchen/join", amina)
            async with ws(world, bilal) as b, ws(world, bilal):
                for _ in range(2):
                    await call(world, "POST", "/rooms/kitchen/join", bilal)
                assert await of_type(a, "user_joined_room") == {"type": "user_joined_room", **about}
                b.put({"type": "room_heartbeat", "data": {"roomId": "kitchen"}})
                b.put({"type": "room_heartbeat", "data": {"roomId": "garden"}})
                assert (await of_type(b, "error"))["code"] == "not_in_room"
                assert await quiet(a) == [] and await quiet(b) == []
            assert await of_type(a, "user_left_room") == {"type": "user_left_room", **about}
            assert await quiet(a) == [] and await quiet(d) == []
            found = await call(world, "GET", "/rooms/kitchen/users", amina)
            assert found == {"roomId": "kitchen", "users": [str(amina.id)]}

    world.go(main())


@pytest.mark.rule("starter:D11")
def test_with_one_of_two_sockets_nobody_leaves_their_rooms(world: World) -> None:
    amina, bilal = somebody(world), somebody(world)

    async def main() -> None:
        async with ws(world, amina) as a, ws(world, bilal) as b:
            for who in (amina, bilal):
                await call(world, "POST", "/rooms/kitchen/join", who)
            async with ws(world, bilal):
                pass
            assert {frame["type"] for frame in await quiet(a)} <= {"user_joined_room"}
            assert len((await call(world, "GET", "/rooms/kitchen/users", amina))["users"]) == 2
            await b.close()
            assert (await of_type(a, "user_left_room"))["userId"] == str(bilal.id)

    world.go(main())


@pytest.mark.rule("starter:D11")
def test_a_ping_keeps_rooms(world: World) -> None:
    amina = somebody(world)

    async def main() -> None:
        async with ws(world, amina) as a:
            await call(world, "POST", "/rooms/kitchen/join", amina)
            await _rows(world, "UPDATE room_members SET seen_at = seen_at - interval '4 minutes' RETURNING 1")
            before = (await _rows(world, "SELECT seen_at FROM room_members"))[0][0]
            await quiet(a)
            assert (await _rows(world, "SELECT seen_at FROM room_members"))[0][0] > before

    world.go(main())


def announced(author: Person) -> dict[str, str]:
    """What the bus carries when an article is published."""
    told = {"post_id": str(uuid.uuid4()), "title": "Bread", "author": str(author.id), "message": "m"}
    return {"type": "new_post", **told}


@pytest.mark.rule("starter:R37")
@pytest.mark.rule("starter:D3")
def test_new_posts_reach_who_wants_them(world: World) -> None:
    amina, bilal, dara = somebody(world), somebody(world), somebody(world)
    data(ask(world, "PUT", "/notifications/preferences", dara, {"categories": {"posts": False}}))
    payload = announced(amina)
    shown = {("postId" if name == "post_id" else name): value for name, value in payload.items()}

    async def main() -> None:
        async with ws(world, bilal) as b, ws(world, dara) as d:
            await world.app.bus.publish(sockets.BROADCAST, msgspec.json.encode(payload))
            assert await of_type(b, "new_post") == shown
            assert await quiet(d) == []
            await call(world, "PUT", "/notifications/preferences", dara, {"categories": {"posts": True}})
            await world.app.bus.publish(sockets.BROADCAST, msgspec.json.encode(payload))
            assert await of_type(d, "new_post") == shown
            await call(world, "PUT", "/notifications/preferences", bilal, {"webSocketEnabled": False})
            await quiet(b)
            await world.app.bus.publish(sockets.BROADCAST, msgspec.json.encode(payload))
            assert await quiet(b) == []

    world.go(main())


@pytest.mark.parametrize("author_blocks", [True, False])
def test_nobody_hears_of_new_posts_across_a_block(world: World, author_blocks: bool) -> None:
    amina, bilal, dara = somebody(world), somebody(world), somebody(world)
    blocker, blocked = (amina, bilal) if author_blocks else (bilal, amina)
    world.sql(
        "INSERT INTO user_blocks (blocker_id, blocked_id, created_at) VALUES ($1, $2, now())",
        blocker.id,
        blocked.id,
    )

    async def main() -> None:
        async with ws(world, bilal) as b:
            for author in (amina, dara):
                await world.app.bus.publish(sockets.BROADCAST, msgspec.json.encode(announced(author)))
            assert (await of_type(b, "new_post"))["author"] == str(dara.id)

    world.go(main())


@pytest.mark.rule("starter:R27")
def test_what_services_tell_one_person(world: World) -> None:
    amina, bilal = somebody(world), somebody(world)

    async def main() -> None:
        async with ws(world, amina) as a, ws(world, bilal) as b:
            async with world.app.db.tx() as tx:
                hints.tell(tx, [amina.id], "task_completed", {"task_id": bilal.id, "status": "failed"})
            expected = {"type": "task_completed", "taskId": str(bilal.id), "status": "failed"}
            assert await of_type(a, "task_completed") == expected
            assert await quiet(b) == []

    world.go(main())


@pytest.mark.rule("starter:D14")
def test_what_cannot_be_read_is_answered(world: World) -> None:
    amina = somebody(world)

    async def main() -> None:
        async with ws(world, amina) as a:
            for frame in ("{", "[]", '{"data": {}}', '{"type": "typing", "data": {"receiverId": 5}}',
                          '{"type": "mark_read", "data": {"messageIds": []}}', '{"type": "room_heartbeat"}'):  # fmt: skip
                a.put(frame)
                assert (await of_type(a, "error"))["code"] == "bad_frame"
            a.put({"type": "dance", "data": {}})
            assert (await of_type(a, "error"))["code"] == "unknown_type"
            a.put(b"binary")
            assert await a.ended() == 1003

    world.go(main())


# ---- who gets in


@pytest.mark.rule("starter:R38")
@pytest.mark.rule("starter:R40")
def test_who_may_open_it(world: World) -> None:
    amina, native = somebody(world), world.person()

    async def denied(query: str) -> Any:
        with pytest.raises(Denied) as caught:
            async with wire(world, f"{STARTER}/ws{query}", protocols=()):
                pass
        body = json.loads(caught.value.body)
        assert (caught.value.status, body["success"]) == (401, False)
        return body["error"]["code"]

    async def main() -> None:
        for query in ("", "?token=", "?token=made-up", f"?token={native.token}", "?ticket=made-up"):
            assert await denied(query) == "unauthorized"
        async with ws(world, amina) as a:
            assert await quiet(a) == []
        made = await call(world, "POST", "/ws-ticket", amina)
        path = f"{STARTER}/ws?ticket={made['ticket']}"
        async with wire(world, path, protocols=()) as a:
            assert await quiet(a) == []
        assert await denied(f"?ticket={made['ticket']}") == "unauthorized"

    world.go(main())


@pytest.mark.rule("starter:D14")
def test_five_connections(world: World) -> None:
    amina, bilal = somebody(world), somebody(world)

    async def main() -> None:
        opened = [Wire(world, f"{STARTER}/ws?token={amina.token}", protocols=()) for _ in range(5)]
        for one in opened:
            await one.opened()
        with pytest.raises(Denied) as caught:
            async with ws(world, amina):
                pass
        body = json.loads(caught.value.body)
        assert (caught.value.status, body["error"]["code"]) == (429, "too_many_connections")
        async with ws(world, bilal):
            pass
        await opened[0].close()
        async with ws(world, amina):
            pass
        for one in opened[1:]:
            await one.close()

    world.go(main())


@pytest.mark.rule("starter:D14")
def test_silence_ends_it(world: World) -> None:
    amina = somebody(world)

    async def main() -> None:
        async with ws(world, amina) as a:
            here = hub.of(world.app)
            (connection,) = here.people[amina.id]
            assert connection.quiet_s == 60
            connection.quiet_s = -1
            here.end_quiet()
            assert await a.ended() == 4408

    world.go(main())


def test_it_is_over_with_the_session(world: World) -> None:
    amina = somebody(world)

    async def main() -> None:
        async with ws(world, amina) as a:
            answer = await world.http.post(API + "/auth/logout", headers=amina.auth, json={})
            assert answer.status_code == 200, answer.text
            assert await a.ended() == 4401

    world.go(main())


@pytest.mark.rule("starter:D14")
def test_nothing_behind_the_door_sees_the_token(world: World) -> None:
    """What the server's own protocol logs when a socket opens is what stands in its scope."""
    amina = somebody(world)

    async def main() -> None:
        for token, opens in ((amina.token, True), (amina.token + "x", False)):
            made = Wire(world, f"{STARTER}/ws?token={token}", protocols=())
            assert token.encode() in made._scope["query_string"]
            if opens:
                await made.opened()
            else:
                with pytest.raises(Denied):
                    await made.opened()
            assert made._scope["query_string"] == b""
            await made.close()

    world.go(main())
