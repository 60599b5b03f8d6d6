"""Pictures that are not for everybody, at every door and over every kind of socket."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import UUID

import pytest

from majlis.features.sessions import service as sessions
from majlis.kit.me import Me, Origin
from tests.features.media.private import Json, addresses, check_private, fetch, is_open, pictured
from tests.features.media.uploads import jpeg
from tests.features.posts.writing import write
from tests.surfaces.compat.sioree.guests import Guest, night, picture, sign_up
from tests.surfaces.compat.x18.people import ask as ask_x18
from tests.surfaces.compat.x18.people import entered as at_x18
from tests.surfaces.realtime.engines import Packets, polling
from tests.surfaces.realtime.engines import entered as at_socketio
from tests.surfaces.realtime.talking import dm
from tests.surfaces.realtime.wires import signed_in
from tests.world import Person, World

PRIVACY = "/api/v1/settings/privacy"


# ---- sockets


async def over_websocket(world: World, who: Person, stream: str, url: str) -> Json:
    async with signed_in(world, who) as wire:
        await wire.ask("subscribe", streams={stream: {}})
        await wire.ask("send", stream=stream, client_msg_id="k", message={"type": "image", "file_ids": [url]})
        return await wire.event("message.created")


def over_socketio(way: Callable[[World, Person], AbstractAsyncContextManager[Packets]]) -> Any:
    async def run(world: World, who: Person, stream: str, url: str) -> Json:
        async with way(world, who) as one:
            await one.ask("subscribe", streams={stream: {}})
            message = {"type": "image", "file_ids": [url]}
            await one.ask("send", stream=stream, client_msg_id="k", message=message)
            return await one.event("event")

    return run


WAYS = {
    "websocket": over_websocket,
    "Socket.IO": over_socketio(at_socketio),
    "Socket.IO by polls": over_socketio(polling),
}


@pytest.mark.parametrize("way", WAYS)
def test_frames_carry_signed_addresses(world: World, way: str) -> None:
    amina, bilal = world.person(), world.person()
    stream = dm(world, amina, bilal)
    path, photo = pictured(world, amina)
    check_private(world, world.go(WAYS[way](world, amina, stream, photo["url"])), path)
    assert not is_open(world, path)

    async def replayed() -> Json:
        async with signed_in(world, bilal) as wire:
            await wire.ask("subscribe", streams={stream: {"after_seq": 0}})
            return await wire.event("message.created")

    check_private(world, world.go(replayed()), path)
    (row,) = world.sql("SELECT payload::text AS said FROM conversation_events WHERE type = 'message.created'")
    assert "private-media^" in row["said"] and "/media/" not in row["said"].replace("private-media", "")


# ---- x18


def test_x18_signs_what_is_shown_to_followers_only(world: World) -> None:
    native = world.person("Amina")
    amina, karim = at_x18(world, native), at_x18(world, world.person("Karim"))
    kept = ask_x18(world, "POST", "/api/media/upload", amina, files={"file": ("a.jpg", jpeg())}).json()
    made = ask_x18(
        world, "POST", "/api/posts", amina, json={"content": "x", "media_ids": [kept["id"]]}
    ).json()
    (path,) = (row["object"] for row in world.sql("SELECT object FROM uploads"))
    assert world.get(kept["url"]).status_code == 200
    assert world.get(kept["url"]).headers["cache-control"].startswith("public")
    ask_x18(world, "POST", f"/api/users/{amina.id}/follow", karim)

    world.put(PRIVACY, native, {"is_private": True})
    world.drain()
    assert world.get(kept["url"]).status_code == 404
    assert ask_x18(world, "GET", f"/api/posts/{made['id']}").status_code == 404
    for viewer in (amina, karim):
        check_private(world, ask_x18(world, "GET", f"/api/posts/{made['id']}", viewer).json()["media"], path)
    check_private(world, ask_x18(world, "GET", f"/api/media/{kept['id']}", amina).json(), path)
    # What the native door shows of a draft, x18 does not list for others.
    assert ask_x18(world, "GET", f"/api/media/{kept['id']}", karim).status_code == 404

    signed = ask_x18(world, "GET", f"/api/media/{kept['id']}", amina).json()["url"]
    changed = ask_x18(world, "PATCH", "/api/users/me", amina, json={"avatar_url": signed})
    assert changed.status_code == 200, changed.text
    assert addresses(changed.json(), path) and is_open(world, path), "an avatar is for everybody"
    ask_x18(world, "PATCH", "/api/users/me", amina, json={"avatar_url": None})
    world.put(PRIVACY, native, {"is_private": False})
    world.drain()
    again = ask_x18(world, "GET", f"/api/posts/{made['id']}").json()["media"]
    assert [one["url"] for one in again] == [kept["url"]] and world.get(kept["url"]).status_code == 200


def test_x18_signs_what_a_private_account_keeps(world: World) -> None:
    native = world.person("Amina")
    world.put(PRIVACY, native, {"is_private": True})
    amina, karim = at_x18(world, native), at_x18(world, world.person("Karim"))
    kept = ask_x18(world, "POST", "/api/media/upload", amina, files={"file": ("a.jpg", jpeg())}).json()
    (path,) = (row["object"] for row in world.sql("SELECT object FROM uploads"))
    assert "/media/p/" in kept["url"] and fetch(world, kept["url"]).status_code == 200
    assert world.get(f"/x18/storage/media/{kept['id']}.webp").status_code == 404
    assert ask_x18(world, "GET", f"/api/media/{kept['id']}", karim).status_code == 404
    listed = ask_x18(world, "GET", f"/api/media/user/{amina.id}", amina).json()["media"]
    assert [one["url"].partition("?")[0].rpartition("/p/")[2] for one in listed] == [path]
    assert ask_x18(world, "DELETE", f"/api/media/{kept['id']}", amina).status_code == 204
    world.drain()
    assert world.sql("SELECT object FROM uploads") == []
    assert fetch(world, kept["url"]).status_code == 404


# ---- Sioree


def test_sioree_signs_pictures_of_messages(world: World) -> None:
    amina, omid = sign_up(world, "Amina K"), sign_up(world, "Omid R")
    url = picture(amina)["url"]
    path = "/".join(url.rsplit("/", 2)[1:])
    assert fetch(world, url).status_code == 200
    body = {"receiverId": str(omid.id), "text": url, "messageType": "image"}
    sent = amina.post("/api/messages", body)
    check_private(world, sent["text"], path)
    for who in (amina, omid):
        seen = who.get(f"/api/messages/{sent['conversationId']}")["messages"]
        check_private(world, [one["text"] for one in seen], path)
        check_private(world, who.get("/api/messages/conversations")["conversations"][0]["lastMessage"], path)
    # In the list of uploads at another door it is for nobody else, nor under that door's address.
    (item,) = world.sql("SELECT id FROM library_items")
    assert world.get(f"/x18/storage/media/{item['id']}.webp").status_code == 404
    assert ask_x18(world, "GET", f"/api/media/{item['id']}").status_code == 404
    # What was shown is sent on.
    again = amina.post("/api/messages", {**body, "text": sent["text"]})
    check_private(world, again["text"], path)
    stolen = omid.ask(
        "POST", "/api/messages", json={**body, "receiverId": str(amina.id), "text": sent["text"]}
    )
    assert stolen.status_code in (400, 422), stolen.text


def test_sioree_signs_pictures_of_events_of_private_accounts(world: World) -> None:
    host = sign_up(world, "Host", role="host")
    url, more = picture(host)["url"], picture(host)["url"]
    path, other = ("/".join(one.rsplit("/", 2)[1:]) for one in (url, more))
    event = f"/api/events/{night(host, images=[url])['id']}"
    assert host.get(event)["images"] == [url] and is_open(world, path)
    answer = world.put(PRIVACY, through(world, host), {"is_private": True})
    assert answer.status_code == 200, answer.text
    world.drain()
    shown = host.get(event)["images"]
    check_private(world, shown, path)
    both = host.ok("PATCH", event, {"images": [more, *shown]})["images"]
    check_private(world, both[:1], other)
    check_private(world, both[1:], path)
    assert world.sql("SELECT attached, private_refs FROM uploads") == [{"attached": 2, "private_refs": 1}] * 2


def through(world: World, guest: Guest) -> Person:
    """A guest of that door at the native one."""

    async def enter() -> Person:
        async with world.app.db.tx() as tx:
            pair = await sessions.open_session(
                world.app, tx, Me.system, UUID(str(guest.id)), Origin("127.0.0.1"), None
            )
        me = await sessions.authenticate(world.app, pair.access_token)
        return Person(UUID(str(guest.id)), "", pair.access_token, pair.refresh_token, me)

    return world.go(enter())


# ---- starter, which shows people and titled texts only


def test_the_starter_door_shows_nothing_of_it(world: World) -> None:
    amina = world.person()
    path, photo = pictured(world, amina)
    write(world, amina, visibility="PRIVATE", attachments=[photo])
    assert world.get(f"/starter/media/{path}").status_code == 404
    assert world.get(f"/starter/media/p/{path}").status_code == 404
    for door in ("/x18", "/sioree"):
        assert world.get(f"{door}/media/{path}").status_code == 404
