"""What is not for everybody is fetched by signed addresses only: by the wire, for each kind of place."""

import io
import json
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from majlis.features.media import service
from majlis.kit import clock
from majlis.kit.me import Me
from tests.features.chat.chatting import opened
from tests.features.comments.talking import COMMENTS, of, say, under
from tests.features.comments.talking import answer as reply
from tests.features.media.private import (
    Json,
    addresses,
    check_private,
    check_signed,
    fetch,
    is_open,
    local,
    pictured,
)  # fmt: skip
from tests.features.media.uploads import attached, folder, names, objects, upload
from tests.features.moderation.cases import CASES, act, queue, report
from tests.features.posts.writing import POSTS, friends, write
from tests.features.queries import counted
from tests.world import Person, World

DRAFTS, SCHEDULED, PRIVACY = "/api/v1/drafts", "/api/v1/scheduled-messages", "/api/v1/settings/privacy"


def close_account(world: World, who: Person, closed: bool = True) -> None:
    assert world.put(PRIVACY, who, {"is_private": closed}).status_code == 200
    world.drain()


def post(world: World, amina: Person, photo: Json, **fields: Any) -> str:
    return f"{POSTS}/{write(world, amina, attachments=[photo], **fields)['id']}"


def of_private_account(world: World, amina: Person, photo: Json) -> str:
    close_account(world, amina)
    return post(world, amina, photo)


def below(world: World, amina: Person, photo: Json) -> str:
    bare = write(world, amina, visibility="FRIENDS")
    say(world, amina, bare, attachments=[photo])
    return under(bare)


def reply_below(world: World, amina: Person, photo: Json) -> str:
    bare = write(world, amina, visibility="PRIVATE")
    one = say(world, amina, bare)
    return of(reply(world, amina, one, attachments=[photo]))


def draft(world: World, amina: Person, photo: Json) -> str:
    answer = world.post(DRAFTS, amina, {"type": "FEED", "attachments": [photo]})
    assert answer.status_code == 201, answer.text
    return f"{DRAFTS}/{answer.json()['id']}"


def direct(world: World, amina: Person, photo: Json) -> str:
    path = f"/api/v1/conversations/{opened(world, amina, world.person())['id']}/messages"
    answer = world.post(path, amina, {"file_ids": [photo["url"]]})
    assert answer.status_code == 201, answer.text
    return path


def grouped(world: World, amina: Person, photo: Json) -> str:
    body = {"user_ids": [str(world.person().id), str(world.person().id)]}
    made = world.post("/api/v1/conversations", amina, body)
    assert made.status_code == 201, made.text
    path = f"/api/v1/conversations/{made.json()['id']}/messages"
    assert world.post(path, amina, {"file_ids": [photo["url"]], "text": "look"}).status_code == 201
    return path


def scheduled(world: World, amina: Person, photo: Json) -> str:
    body = {
        "conversation_id": opened(world, amina, world.person())["id"],
        "message": {"text": "later", "file_ids": [photo["url"]]},
        "send_at": (clock.now() + timedelta(hours=1)).isoformat(),
    }
    answer = world.post(SCHEDULED, amina, body)
    assert answer.status_code == 201, answer.text
    return SCHEDULED


PLACES = {
    "for friends": lambda *given: post(*given, visibility="FRIENDS"),
    "for oneself": lambda *given: post(*given, visibility="PRIVATE"),
    "switched off": lambda *given: post(*given, status=False),
    "of a private account": of_private_account,
    "a comment": below,
    "a reply": reply_below,
    "a draft": draft,
    "a direct message": direct,
    "a group": grouped,
    "a scheduled message": scheduled,
}


@pytest.mark.parametrize("place", PLACES)
def test_it_is_fetched_by_its_signed_address_only(world: World, place: str) -> None:
    amina = world.person()
    path, photo = pictured(world, amina)
    assert is_open(world, path), "an upload can be looked at by who has made it"
    where = PLACES[place](world, amina, photo)
    assert not is_open(world, path)
    assert attached(world, path) == 1
    check_private(world, world.get(where, amina).json(), path)
    assert world.delete(f"/api/v1/upload/{path}", amina).status_code == 409
    with clock.shifted(timedelta(hours=25)):
        world.go(service.sweep(world.app, Me.system))
    assert objects(world) == [path]


REMOVED: dict[str, Callable[[World, Person, str], str]] = {
    "for friends": lambda world, amina, where: where,
    "of a private account": lambda world, amina, where: where,
    "a comment": lambda world, amina, where: f"{COMMENTS}/{listed(world, amina, where)['id']}",
    "a reply": lambda world, amina, where: where,
    "a draft": lambda world, amina, where: where,
    "a direct message": lambda world, amina, where: (
        f"/api/v1/conversation-messages/{listed(world, amina, where)['id']}"
    ),
    "a scheduled message": lambda world, amina, where: f"{where}/{listed(world, amina, where)['id']}",
}


def listed(world: World, amina: Person, where: str) -> Json:
    (one,) = world.get(where, amina).json()["data"]
    return dict(one)


@pytest.mark.parametrize("place", REMOVED)
def test_it_goes_with_the_last_that_shows_it(world: World, place: str) -> None:
    amina = world.person()
    path, photo = pictured(world, amina)
    where = PLACES[place](world, amina, photo)
    (url,) = addresses(world.get(where, amina).json(), path)[:1]
    assert fetch(world, url).status_code == 200
    assert world.delete(REMOVED[place](world, amina, where), amina).status_code == 204
    world.drain()
    assert objects(world) == names(world) == []
    assert fetch(world, url).status_code == 404


def turn(world: World, amina: Person, where: str, **fields: Any) -> Json:
    answer = world.put(where, amina, fields)
    assert answer.status_code == 200, answer.text
    world.drain()
    found: Json = answer.json()
    return found


def test_a_post_and_what_is_below_it_close_and_open_with_its_visibility(world: World) -> None:
    amina, bahar = world.person(), world.person()
    (path, photo), (theirs, other) = pictured(world, amina), pictured(world, bahar)
    where = post(world, amina, photo)
    comment = of(say(world, bahar, {"id": where.rpartition("/")[2]}, attachments=[other]))
    friends(world, amina, bahar)
    assert is_open(world, path) and is_open(world, theirs)
    for fields in (
        {"visibility": "FRIENDS"},
        {"visibility": "PRIVATE"},
        {"visibility": "PUBLIC", "status": False},
    ):
        check_private(world, turn(world, amina, where, **fields), path)
        assert not is_open(world, path) and not is_open(world, theirs)
        if fields["visibility"] == "FRIENDS":
            check_private(world, world.get(comment, bahar).json(), theirs)
        shown = turn(world, amina, where, visibility="PUBLIC", status=True)
        assert addresses(shown, path) == [photo["url"]]
        assert addresses(world.get(comment).json(), theirs) == [other["url"]]
        assert is_open(world, path) and is_open(world, theirs)
        assert attached(world, path) == attached(world, theirs) == 1


def test_an_account_closes_and_opens_with_all_that_it_shows(world: World) -> None:
    amina, bahar = world.person(), world.person()
    (path, photo), (theirs, other), (kept, third) = (
        pictured(world, amina), pictured(world, bahar), pictured(world, amina),
    )  # fmt: skip
    where = post(world, amina, photo)
    comment = of(say(world, bahar, {"id": where.rpartition("/")[2]}, attachments=[other]))
    elsewhere = write(world, bahar)
    mine = of(say(world, amina, elsewhere, attachments=[third]))
    close_account(world, amina)
    assert not is_open(world, path) and not is_open(world, theirs)
    check_private(world, world.get(where, amina).json(), path)
    check_private(world, world.get(comment, amina).json(), theirs)
    assert is_open(world, kept) and addresses(world.get(mine).json(), kept), (
        "the post of another is for everybody"
    )
    turn(world, amina, where, visibility="PRIVATE")
    close_account(world, amina, False)
    assert not is_open(world, path), "the post is still for oneself"
    turn(world, amina, where, visibility="PUBLIC")
    assert is_open(world, path) and is_open(world, theirs)


def test_an_avatar_of_a_private_account_is_for_everybody(world: World) -> None:
    amina = world.person()
    close_account(world, amina)
    photo = upload(world, amina, to="/api/v1/users/me/avatar").json()
    url = next(iter(addresses(photo, service.object_of(photo.get("url") or photo["avatar"]["url"]) or "")))
    assert fetch(world, url).status_code == 200 and "/media/p/" not in url


def test_what_moderators_hide_closes_until_it_is_shown_again(world: World) -> None:
    amina, bahar, moderator = world.person(), world.person(), world.person(role="moderator")
    (path, photo), (theirs, other), (third, last) = (
        pictured(world, amina), pictured(world, bahar), pictured(world, bahar),
    )  # fmt: skip
    where = post(world, amina, photo)
    post_id = where.rpartition("/")[2]
    comment = say(world, bahar, {"id": post_id}, attachments=[other])
    elsewhere = say(world, bahar, write(world, amina), attachments=[last])
    report(world, bahar, "post", post_id)
    report(world, amina, "comment", elsewhere["id"])
    cases = {case["kind"]: case["id"] for case in queue(world, moderator)}
    for case in cases.values():
        act(world, moderator, case, "hide")
    world.drain()
    assert not is_open(world, path) and not is_open(world, theirs) and not is_open(world, third)
    check_private(world, world.get(where, amina).json(), path)
    seen = world.get(f"{CASES}/{cases['post']}", moderator).json()
    check_private(world, seen["snapshot"], path)
    check_private(world, seen["current"], path)
    for case in cases.values():
        act(world, moderator, case, "restore")
    world.drain()
    assert is_open(world, path) and is_open(world, theirs) and is_open(world, third)
    assert world.get(of(comment)).status_code == 200


def test_one_public_place_keeps_it_open(world: World) -> None:
    amina = world.person()
    path, photo = pictured(world, amina)
    shown = post(world, amina, photo)
    hidden = post(world, amina, photo, visibility="PRIVATE")
    assert is_open(world, path)
    private = addresses(world.get(hidden, amina).json(), path)
    assert len(private) == 1 and "/media/p/" in private[0] and fetch(world, private[0]).status_code == 200
    assert addresses(world.get(shown).json(), path) == [photo["url"]]
    assert world.delete(shown, amina).status_code == 204
    world.drain()
    assert not is_open(world, path) and objects(world) == [path]
    assert world.delete(hidden, amina).status_code == 204
    world.drain()
    assert objects(world) == names(world) == []
    assert list(folder(world).iterdir()) == []


def test_an_address_that_was_shown_is_understood_and_not_kept(world: World) -> None:
    """Apps send back what they were shown; nobody else can use it."""
    amina, bahar = world.person(), world.person()
    friends(world, amina, bahar)
    path, photo = pictured(world, amina)
    where = post(world, amina, photo, visibility="FRIENDS")
    (shown,) = world.get(where, bahar).json()["attachments"]
    signed = shown["photo"]
    again = turn(world, amina, where, add_attachments=[signed], remove_attachment_ids=[shown["id"]])
    check_private(world, again, path)
    assert attached(world, path) == 1
    (row,) = world.sql("SELECT attachments::text FROM posts")
    assert "e=" not in row["attachments"] and "private-media^" in row["attachments"]
    more = write(world, amina, attachments=[signed])
    assert addresses(more, path) == [photo["url"]], "of a post for everybody it is the public one"
    stolen = world.post(POSTS, bahar, {"type": "FEED", "description": "mine", "attachments": [signed]})
    assert stolen.status_code == 422
    assert [one["field"] for one in stolen.json()["error"]["details"]] == ["attachments[0].url"]
    bare = dict(signed, url=signed["url"].partition("?")[0])
    for body in (bare, dict(signed, url="private-media^" + "0" * 32 + "/" + path)):
        assert (
            world.post(POSTS, bahar, {"type": "FEED", "description": "x", "attachments": [body]}).status_code
            == 422
        )
    assert (
        world.post(POSTS, bahar, {"type": "FEED", "description": "x", "attachments": [photo]}).status_code
        == 422
    )


def test_saying_an_address_does_not_sign_it(world: World) -> None:
    """Whoever saw an address once, or an export of theirs, must not get a fresh one by quoting it."""
    amina, bahar = world.person(), world.person()
    path, photo = pictured(world, amina)
    post(world, amina, photo, visibility="PRIVATE")
    base = world.app.settings.base_url()
    typed = [
        f"{base}/media/p/{path}",
        f"{base}/media/{path}",
        f"private-media^{'0' * 32}/{path}",
        json.dumps({"url": f"private-media^{'0' * 32}/{path}"}),
        json.dumps([{"photo": {"url": f"{base}/media/{path}"}}]),
    ]
    for text in typed:
        made = write(world, bahar, description=text)
        assert made["description"] == text
        assert world.get(f"{POSTS}/{made['id']}").json()["description"] == text
        said = say(world, bahar, made, text)
        turn(world, bahar, f"{POSTS}/{made['id']}", visibility="FRIENDS")
        assert world.get(of(said), bahar).json()["text"] == text
    assert not is_open(world, path)


def test_parts_and_conditions(world: World) -> None:
    amina = world.person()
    path, photo = pictured(world, amina)
    where = post(world, amina, photo, visibility="PRIVATE")
    with clock.frozen(clock.now() - timedelta(days=1)):
        first = world.get(where, amina)
        (url,) = addresses(first.json(), path)
        whole = fetch(world, url)
        part = fetch(world, url, headers={"Range": "bytes=4-9"})
        assert (part.status_code, part.content) == (206, whole.content[4:10])
        assert part.headers["content-range"] == f"bytes 4-9/{len(whole.content)}"
        known = fetch(world, url, headers={"If-None-Match": whole.headers["etag"]})
        assert (known.status_code, known.content) == (304, b"")
        assert known.headers["cache-control"].startswith("private")
        assert world.request("HEAD", local(world, url)).status_code == 200
        # What holds addresses keeps its ETag for as long as they stay.
        assert world.get(where, amina, headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    later = world.get(where, amina, headers={"If-None-Match": first.headers["etag"]})
    assert later.status_code == 200
    check_private(world, later.json(), path)
    assert fetch(world, url).status_code == 200, "of yesterday, and still good"


def test_what_nothing_shows_yet_is_kept_by_no_shared_cache(world: World) -> None:
    amina = world.person()
    path, photo = pictured(world, amina)
    assert world.get(f"/media/{path}").headers["cache-control"] == "private, max-age=86400, immutable"
    post(world, amina, photo)
    shared = world.get(f"/media/{path}").headers["cache-control"]
    assert shared == "public, max-age=31536000, s-maxage=86400, immutable"


def test_repeated_requests_are_answered_with_a_fresh_signature(world: World) -> None:
    amina = world.person()
    path, photo = pictured(world, amina)
    body = {"type": "FEED", "description": "x", "visibility": "PRIVATE", "attachments": [photo]}
    key = {"Idempotency-Key": "k1"}
    with clock.shifted(-timedelta(hours=23, minutes=59)):
        first = world.post(POSTS, amina, body, headers=key)
        check_private(world, first.json(), path)
    again = world.post(POSTS, amina, body, headers=key)
    assert again.headers["idempotency-replayed"] == "true"
    check_private(world, again.json(), path)
    kept = world.sql("SELECT body FROM idempotency_keys")[0]["body"]
    assert b"private-media^" in kept and b"&s=" not in kept


def test_lists_cost_no_more(world: World) -> None:
    amina = world.person()
    shown, hidden = pictured(world, amina)[1], pictured(world, amina)[1]
    post(world, amina, shown)

    def cost() -> int:
        with counted(world) as seen:
            assert world.get(POSTS, amina).status_code == 200
        return len(seen)

    cost()
    before = cost()
    post(world, amina, hidden, visibility="PRIVATE")
    cost()
    assert cost() == before


def test_copies_of_data_hold_no_address_that_opens_anything(world: World) -> None:
    amina = world.person()
    (path, photo), (sent, other) = pictured(world, amina), pictured(world, amina)
    post(world, amina, photo, visibility="PRIVATE")
    direct(world, amina, other)
    world.post("/api/v1/users/me/export", amina)
    world.drain()
    url = world.get("/api/v1/users/me/export", amina).json()["url"]
    with zipfile.ZipFile(io.BytesIO(fetch(world, url).content)) as archive:
        text = "".join(archive.read(name).decode() for name in archive.namelist() if name.endswith(".json"))
        assert {f"pictures/{path}", f"pictures/{sent}"} <= set(archive.namelist())
    assert f"/media/p/{path}" in text and f"/media/p/{sent}" in text
    assert "private-media" not in text and "&s=" not in text


def test_check_signed_itself(world: World) -> None:
    """The check must find what is open."""
    amina = world.person()
    path, photo = pictured(world, amina)
    post(world, amina, photo)
    with pytest.raises((AssertionError, ValueError)):
        check_signed(world, photo["url"], path)
