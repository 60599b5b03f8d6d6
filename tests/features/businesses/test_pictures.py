"""Avatar, cover and gallery of a business."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from majlis.features.businesses import service
from tests.features.businesses.trading import BUSINESSES, at, faults, opened
from tests.features.media.uploads import attached, both, is_empty, jpeg, names, objects, upload
from tests.features.queries import counted
from tests.waiting import until_waiting
from tests.world import Person, World

PICTURES = pytest.mark.parametrize("kind", ["avatar", "cover"])
SIZES = {"avatar": (400, 400), "cover": (1600, 900)}


def path_of(photo: dict[str, Any]) -> str:
    return "/".join(photo["url"].split("/")[-2:])


def add(world: World, who: Person | None, business: dict[str, Any], count: int = 1) -> Any:
    files = [("files", (f"{number}.jpg", jpeg(64 + number, 48))) for number in range(count)]
    return world.post(at(business, "/attachments"), who, files=files)


def added(world: World, who: Person, business: dict[str, Any], count: int = 1) -> list[dict[str, Any]]:
    answer = add(world, who, business, count)
    assert answer.status_code == 201, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


@PICTURES
@pytest.mark.rule("hamsaya:139", "hamsaya:69", "hamsaya:70")
def test_a_picture_is_set_and_replaces_the_former(world: World, kind: str) -> None:
    amina = world.person()
    business = opened(world, amina)
    upload(world, amina, jpeg(900, 700), to=at(business, f"/{kind}"))
    answer = upload(world, amina, jpeg(910, 700), to=at(business, f"/{kind}"))
    assert answer.status_code == 200
    photo = answer.json()[kind]
    assert answer.json() == {kind: photo}
    assert (photo["width"], photo["height"], photo["mime_type"]) == (*SIZES[kind], "image/webp")
    assert world.get(at(business)).json()[kind] == photo
    world.drain()
    assert names(world) == both(path_of(photo))
    assert attached(world, path_of(photo)) == 1


@PICTURES
def test_what_is_no_picture_changes_nothing(world: World, kind: str) -> None:
    amina = world.person()
    business = opened(world, amina)
    path = at(business, f"/{kind}")
    photo = upload(world, amina, to=path).json()[kind]
    for answer, status in (
        (upload(world, amina, b"words", to=path), 415),
        (upload(world, amina, jpeg()[:200], to=path), 400),
        (upload(world, amina, jpeg() + bytes(10 * 1024 * 1024), to=path), 413),
        (world.post(path, amina), 400),
        (world.post(path, amina, json={kind: photo}), 415),
    ):
        assert answer.status_code == status
    assert world.get(at(business)).json()[kind] == photo
    assert names(world) == both(path_of(photo))


@PICTURES
def test_a_picture_that_cannot_be_attached_leaves_nothing_behind(clone: World, kind: str) -> None:
    amina = clone.person()
    business = opened(clone, amina)

    async def run() -> int:
        """The business is being deleted while its picture is worked on."""
        file = {"file": ("a.jpg", jpeg())}
        async with clone.app.db.tx() as tx:
            await service.delete(tx, amina.me, UUID(business["id"]))
            path = at(business, f"/{kind}")
            sending = asyncio.create_task(clone.http.post(path, files=file, headers=amina.auth))
            await until_waiting(clone, 1, sending)
        return (await sending).status_code

    assert clone.go(run()) == 404
    assert is_empty(clone)


@pytest.mark.rule("hamsaya:139", "hamsaya:72")
def test_a_gallery_is_filled_listed_and_shown(world: World) -> None:
    amina = world.person()
    business = opened(world, amina)
    first = added(world, amina, business)
    more = added(world, amina, business, 3)
    assert [one["photo"]["width"] for one in more] == [64, 65, 66]
    assert {one["business_profile_id"] for one in more} == {business["id"]}
    listed = world.get(at(business, "/attachments")).json()
    assert listed["data"] == [*reversed(more), *first]
    assert world.get(at(business)).json()["attachments"] == listed["data"]
    page = world.get(at(business, "/attachments?limit=3")).json()
    rest = world.get(at(business, f"/attachments?limit=3&cursor={page['next_cursor']}")).json()
    assert page["data"] + rest["data"] == listed["data"]
    assert world.get(at(business, "/attachments?offset=3&limit=3")).json() == {
        "data": first, "next_cursor": None, "total": 4
    }  # fmt: skip
    assert world.get(at(business, "/attachments?cursor=forged")).status_code == 400
    assert world.get(f"{BUSINESSES}/{amina.id}/attachments").status_code == 404


@pytest.mark.rule("hamsaya:139", "hamsaya:78")
def test_a_picture_of_the_gallery_is_removed_softly_and_its_object_for_good(world: World) -> None:
    amina = world.person()
    business, other = opened(world, amina), opened(world, amina, "Tailor")
    kept, gone = added(world, amina, business, 2)
    path = f"/attachments/{gone['id']}"
    assert world.delete(at(other, path), amina).status_code == 404
    assert world.delete(at(business, path), amina).status_code == 204
    assert world.delete(at(business, path), amina).status_code == 404
    assert world.get(at(business, "/attachments")).json()["data"] == [kept]
    world.drain()
    assert objects(world) == [path_of(kept["photo"])]
    assert world.sql("SELECT count(*) AS n FROM business_attachments")[0]["n"] == 2


def test_a_gallery_takes_one_to_ten_pictures_at_once_all_or_none(world: World) -> None:
    amina = world.person()
    business = opened(world, amina)
    assert add(world, amina, business, 11).status_code == 400
    assert world.post(at(business, "/attachments"), amina).status_code == 400
    assert world.post(at(business, "/attachments"), amina, data={"a": "b"}, files={}).status_code == 415
    mixed = [("files", ("a.jpg", jpeg())), ("files", ("b.jpg", b"words"))]
    assert world.post(at(business, "/attachments"), amina, files=mixed).status_code == 415
    assert is_empty(world)
    assert len(added(world, amina, business, 10)) == 10


def test_a_gallery_has_an_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MAX_GALLERY", 2)
    amina = world.person()
    business = opened(world, amina)
    added(world, amina, business)
    assert faults(add(world, amina, business, 2)) == {"files"}
    added(world, amina, business)
    assert len(objects(world)) == 2


@pytest.mark.rule("hamsaya:62")
@pytest.mark.settings(rate_limits="on")
def test_each_picture_of_a_gallery_counts_as_an_upload(world: World) -> None:
    amina, karim = world.person(), world.person()
    business = opened(world, amina)
    added(world, amina, business, 7)
    refused = add(world, amina, business, 4)
    assert (refused.status_code, refused.headers["X-RateLimit-Limit"]) == (429, "10")
    assert len(objects(world)) == 7
    theirs = opened(world, karim)
    assert len(added(world, karim, theirs, 10)) == 10
    assert add(world, karim, theirs).status_code == 429


@pytest.mark.rule("hamsaya:78")
def test_the_pictures_of_a_deleted_business_go(world: World) -> None:
    amina = world.person()
    business, other = opened(world, amina), opened(world, amina, "Tailor")
    for kind in SIZES:
        upload(world, amina, to=at(business, f"/{kind}"))
    added(world, amina, business, 2)
    (kept,) = added(world, amina, other)
    world.delete(at(business), amina)
    world.drain()
    assert objects(world) == [path_of(kept["photo"])]


def test_a_gallery_costs_the_same_number_of_queries_however_long(world: World) -> None:
    amina = world.person()
    business = opened(world, amina)

    def queries() -> int:
        with counted(world) as seen:
            assert world.get(at(business, "/attachments")).status_code == 200
        return len(seen)

    added(world, amina, business)
    one = queries()
    added(world, amina, business, 5)
    assert queries() == one == 2
