"""Whoever has not paid finds nothing of what is behind a paywall, at whatever route of whatever door."""

import zipfile
from io import BytesIO
from typing import Any

import httpx
import pytest

from majlis.surfaces import unbuilt
from tests.access_paywall import OTHER_TEXT
from tests.features.paywall.selling import LOCKED, NAME, SOUGHT
from tests.test_access import Scene, served
from tests.test_access import scene as scene

# A stranger, a follower, and who bought it and was given back the money.
WITHOUT = ("anonymous", "other", "follower", "friend")
NEW_ONES = ("POST /api/v1/paid-posts",)  # answers its own author with what they wrote


def canaries(scene: Scene) -> list[bytes]:
    """What is looked for in answers: words of the text, the name of the picture, and its bytes."""
    (row,) = scene.world.sql(
        "SELECT object FROM paid_media m WHERE m.post_id = $1", scene.things["post_id#paid"]
    )
    picture = scene.world.go(scene.world.app.files.get(row["object"]))
    return [LOCKED.encode(), NAME.encode(), picture]


def found(answer: httpx.Response, wanted: list[bytes]) -> list[bytes]:
    return [one[:30] for one in wanted if one in answer.content]


@pytest.fixture(scope="module")
def refunded(scene: Scene) -> Scene:
    """The scene once the friend, who had bought the post, has the money back."""
    wanted = canaries(scene)
    path = f"/api/v1/posts/{scene.things['post_id#paid']}/paid"
    paid = scene.world.get(path, scene.people["friend"])
    assert found(paid, wanted[:2]) == wanted[:2], "who paid sees it"
    (picture,) = paid.json()["media"]
    assert found(scene.world.get(picture["url"]), wanted) == [wanted[2][:30]], "and the picture"
    sale = scene.things["purchase_id"]
    given = scene.world.post(f"/api/v1/creators/me/sales/{sale}/refund", scene.owner)
    assert given.status_code == 200, given.text
    scene.world.drain()
    return scene


def asked(scene: Scene, name: str, caller: str) -> list[tuple[str, httpx.Response]]:
    """The answers of a route about the paid post; where something is read, a stranger and the
    author also search for its words."""
    answers = [(name, scene.ask(f"{name}#paid", caller))]
    if name.startswith("GET") and "{path...}" not in name and caller in ("other", "owner"):
        path = name.removeprefix("GET ")
        for one, value in [(part[1:-1], part) for part in path.split("/") if part.startswith("{")]:
            path = path.replace(value, str(scene.thing(one, "#paid")))
        mount = next((mount for mount in scene.doors if path.startswith(mount + "/")), None)
        who = (scene.people if mount is None else scene.doors[mount]).get(caller)
        words = dict.fromkeys(("q", "query", "search", "tag", "category"), SOUGHT)
        answers.append((f"{name}?q", scene.world.get(path, who, params=words)))
    return answers


def test_no_route_of_any_door_tells_who_has_not_paid(refunded: Scene) -> None:
    wanted, leaks, count = canaries(refunded), [], 0
    for name, route in sorted(served().items()):
        if route.module == unbuilt.__name__ or name in NEW_ONES:
            continue
        if name.startswith(("GET /api/v1/paid-media", "GET /x18/storage/paid")):
            continue  # the table of callers asks with the owner's address; below it is others'
        for caller in WITHOUT:
            for asked_for, answer in asked(refunded, name, caller):
                count += 1
                leaks += [(asked_for, caller, one) for one in found(answer, wanted)]
    assert not leaks
    assert count > 1500, "every route was asked"


def test_who_paid_and_the_author_are_told_at_both_doors(refunded: Scene) -> None:
    """The control: the same look finds what is there."""
    wanted = canaries(refunded)
    told = {
        name
        for name in served()
        if name.startswith("GET") and "post" in name and "{path" not in name
        for _, answer in asked(refunded, name, "owner")
        if found(answer, wanted)
    }
    assert {
        "GET /api/v1/posts/{post_id}/paid",
        "GET /api/v1/paid-posts",
        "GET /x18/api/posts/{post_id}",
    } <= told


def test_no_search_finds_a_post_by_what_is_behind_its_paywall(refunded: Scene) -> None:
    post_id = str(refunded.things["post_id#paid"])
    searches = [
        "/api/v1/posts?q={}", "/api/v1/search?q={}", "/x18/api/search?q={}", "/x18/api/search/posts?q={}",
        "/x18/api/search/hashtag/{}", "/x18/api/timeline/search?tag={}",
    ]  # fmt: skip
    for path in searches:
        people = refunded.doors["/x18"] if path.startswith("/x18") else refunded.people
        who = people["other"]
        for word in (SOUGHT, LOCKED):
            assert post_id not in refunded.world.get(path.format(word), who).text, path
    shown = refunded.world.get("/x18/api/search/posts?q=harvest", refunded.doors["/x18"]["other"])
    assert post_id in shown.text, "by its first lines it is found"


def test_no_address_of_the_picture_is_good_for_who_has_not_paid(refunded: Scene) -> None:
    world = refunded.world
    (paid,) = world.get(f"/api/v1/posts/{refunded.things['post_id#paid']}/paid", refunded.owner).json()[
        "media"
    ]
    assert world.get(paid["url"]).status_code == 200
    path, _, query = paid["url"].partition("?")
    for viewer in (refunded.people["friend"], refunded.people["other"]):
        forged = query.replace(str(refunded.owner.id), str(viewer.id))
        assert world.get(f"{path}?{forged}").status_code == 404
    assert world.get(path).status_code == 422
    (row,) = world.sql(
        "SELECT object FROM paid_media m WHERE m.post_id = $1", refunded.things["post_id#paid"]
    )
    assert world.get(f"/media/{row['object']}").status_code == 404


def copied(world: Any, who: Any) -> tuple[str, list[str]]:
    """The words of somebody's copy of their data, and the names of its files."""
    assert world.post("/api/v1/users/me/export", who).status_code in (202, 409)
    world.drain()
    url = world.get("/api/v1/users/me/export", who).json()["url"]
    archive = zipfile.ZipFile(BytesIO(world.get(url.partition("majlis.test")[2] or url).content))
    words = [archive.read(name).decode() for name in archive.namelist() if name.endswith(".json")]
    return "\n".join(words), archive.namelist()


def test_a_copy_of_ones_data_holds_what_one_wrote_and_not_what_one_did_not_pay(refunded: Scene) -> None:
    words, files = copied(refunded.world, refunded.people["friend"])
    assert str(refunded.things["post_id#paid"]) in words, "the purchase is"
    (theirs,) = refunded.world.sql(
        "SELECT object FROM paid_media m WHERE m.post_id = $1", refunded.things["post_id#offered"]
    )
    assert OTHER_TEXT in words and [name for name in files if "paid/" in name] == [theirs["object"]]
    assert LOCKED not in words and NAME not in words
    own, _ = copied(refunded.world, refunded.owner)
    assert LOCKED in own and NAME in own
