"""Somebody who has used everything, among people whose things must not get into anybody else's hands."""

import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import httpx
import msgspec

from majlis.features.exports import handlers
from majlis.kit import clock
from tests.features.media.uploads import stored
from tests.features.posts.writing import POSTS, category, write
from tests.world import PASSWORD, Person, World

EXPORT = "/api/v1/users/me/export"
ACCOUNT = "/api/v1/users/me/account"
# What others keep to themselves: none of it is in a copy for somebody else.
SECRETS = (
    "bilals-draft",
    "bilals-message",
    "bilals-comment",
    "bilals-report",
    "Bilalzadeh",
    "bilal-push-token",
)


class Lives(msgspec.Struct):
    """Two people who know each other, and some of what they left."""

    amina: Person
    bilal: Person
    post: dict[str, Any]
    his_post: dict[str, Any]


def ok(answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


def photo(world: World, who: Person) -> dict[str, Any]:
    """An upload as bodies name it."""
    (made,) = stored(world, who)
    return dict(msgspec.structs.asdict(made.photo))


def lives(world: World) -> Lives:
    """Amina has done all that one can do here, much of it with Bilal."""
    amina, bilal = world.person("Amina"), world.person("Bilal")
    ok(world.put("/api/v1/users/me", bilal, {"last_name": "Bilalzadeh", "phone": "+93700000001"}))
    ok(world.put("/api/v1/users/me", amina, {"about": "aminas-about", "phone": "+93700000002"}))
    for one, other in ((amina, bilal), (bilal, amina)):
        ok(world.post(f"/api/v1/users/{other.id}/follow", one))
        ok(world.put("/api/v1/devices", one, {"token": f"{one.email.split('@')[0]}-push-token"}))
    post = write(world, amina, description="aminas-post", attachments=[photo(world, amina)])
    ok(world.put(f"{POSTS}/{post['id']}", amina, {"description": "aminas-second-words"}))
    his = write(world, bilal, description="bilals-post")
    _posts_of_each_type(world, amina)
    for one, target in ((amina, his), (bilal, post)):
        ok(world.post(f"{POSTS}/{target['id']}/like", one))
        ok(world.post(f"{POSTS}/{target['id']}/bookmark", one))
    said = ok(world.post(f"{POSTS}/{his['id']}/comments", amina, {"text": "aminas-comment"}))
    answer = {"text": "bilals-comment", "attachments": [photo(world, bilal)]}
    ok(world.post(f"/api/v1/comments/{said['id']}/replies", bilal, answer))
    ok(world.post(f"{POSTS}/{post['id']}/comments", bilal, answer | {"attachments": [photo(world, bilal)]}))
    ok(world.post(f"/api/v1/comments/{said['id']}/like", bilal))
    ok(world.post(f"{POSTS}/{his['id']}/share", amina, {"share_text": "aminas-share"}))
    _with_polls_and_events(world, amina, bilal)
    _chat(world, amina, bilal)
    ok(world.post("/api/v1/drafts", amina, {"type": "FEED", "description": "aminas-draft"}))
    ok(world.post("/api/v1/drafts", bilal, {"type": "FEED", "description": "bilals-draft"}))
    shop = ok(world.post("/api/v1/businesses", amina, {"name": "aminas-bakery"}))
    ok(world.post(f"/api/v1/businesses/{shop['id']}/follow", bilal))
    ok(world.post("/api/v1/users/me/muted-words", amina, {"word": "aminas-word"}))
    report = {"reason": "SPAM", "additional_comments": "aminas-report"}
    ok(world.post(f"{POSTS}/{his['id']}/report", amina, report))
    ok(world.post(f"{POSTS}/{post['id']}/report", bilal, report | {"additional_comments": "bilals-report"}))
    ok(world.put("/api/v1/settings/notifications", amina, {"category": "POSTS", "push_pref": False}))
    stranger = world.person()
    ok(world.post(f"/api/v1/users/{stranger.id}/mute", amina))
    ok(world.post(f"/api/v1/users/{stranger.id}/block", amina))
    world.drain()
    return Lives(amina, bilal, post, his)


def _posts_of_each_type(world: World, who: Person) -> None:
    write(world, who, "SELL", title="aminas-carpet", category_id=category(world))
    write(world, who, "EVENT", title="aminas-event", address_location={"lat": 34.5, "lng": 69.2})
    write(world, who, "PULL", description="aminas-poll")


def _with_polls_and_events(world: World, amina: Person, bilal: Person) -> None:
    poll = write(world, bilal, "PULL")["poll"]
    vote = {"poll_option_id": poll["options"][0]["id"]}
    ok(world.post(f"/api/v1/polls/{poll['id']}/vote", amina, vote))
    event = write(world, bilal, "EVENT")
    ok(world.post(f"/api/v1/events/{event['id']}/interest", amina, {"event_state": "going"}))


def _chat(world: World, amina: Person, bilal: Person) -> None:
    send = "/api/v1/chat/messages"
    ok(world.post(send, amina, {"recipient_id": str(bilal.id), "content": "aminas-message"}))
    ok(world.post(send, bilal, {"recipient_id": str(amina.id), "content": "bilals-message"}))


def copy(world: World, who: Person) -> dict[str, bytes]:
    """A fresh copy of somebody's data: the files of the zip."""
    asked = world.post(EXPORT, who)
    assert asked.status_code == 202, asked.text
    world.drain()
    answer = world.get(link(world, who))
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def link(world: World, who: Person) -> str:
    """The link to somebody's latest copy, without the host."""
    found = ok(world.get(EXPORT, who))
    assert found["state"] == "ready", found
    return str(found["url"]).removeprefix(world.app.settings.base_url())


def rows(files: dict[str, bytes], kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(files[f"{kind}.json"])
    return found


def leave(world: World, who: Person) -> None:
    ok(world.request("DELETE", ACCOUNT, who, json={"reason": "moving", "password": PASSWORD}))
    world.drain()


def nights(world: World, days: float) -> None:
    """What the server does by itself once so many days have passed."""
    with clock.shifted(timedelta(days=days)):
        world.go(handlers.find_overdue(world.app))
        world.go(handlers.tidy(world.app))
        world.drain()
