"""A person's avatar and cover."""

import asyncio
from typing import Any

import pytest

from majlis.features.media.model import Photo
from tests.features.media.uploads import attached, both, folder, is_empty, jpeg, names, objects, upload
from tests.vendors.pictures import seen
from tests.world import Person, World

ME = "/api/v1/users/me"
PICTURES = pytest.mark.parametrize("kind", ["avatar", "cover"])
SIZES = {"avatar": (400, 400), "cover": (1600, 900)}


def picture(world: World, who: Person, kind: str) -> Any:
    return world.get(ME, who).json()["profile"][kind]


def path_of(photo: dict[str, Any]) -> str:
    return "/".join(photo["url"].split("/")[-2:])


@PICTURES
@pytest.mark.rule("hamsaya:69", "hamsaya:70", "hamsaya:77")
def test_a_picture_is_set_in_its_dimensions(world: World, kind: str) -> None:
    amina = world.person()
    before = world.get(ME, amina).json()["profile"]
    assert before[kind] is None
    answer = upload(world, amina, jpeg(900, 700), to=f"{ME}/{kind}", name="me.jpg")
    assert answer.status_code == 200
    photo = answer.json()[kind]
    assert answer.json() == {kind: photo}
    after = world.get(ME, amina).json()["profile"]
    assert after[kind] == photo
    assert after["updated_at"] > before["updated_at"]
    assert {name: after[name] for name in after if name not in (kind, "updated_at")} == {
        name: before[name] for name in before if name not in (kind, "updated_at")
    }
    image = seen((folder(world) / path_of(photo)).read_bytes())
    assert (photo["width"], photo["height"]) == (image.width, image.height) == SIZES[kind]
    assert photo["size"] == (folder(world) / path_of(photo)).stat().st_size
    assert attached(world, path_of(photo)) == 1
    assert world.delete(f"/api/v1/upload/{path_of(photo)}", amina).status_code == 409


@PICTURES
@pytest.mark.rule("hamsaya:78")
def test_a_new_picture_replaces_and_removes_the_former(world: World, kind: str) -> None:
    amina = world.person()
    other = "cover" if kind == "avatar" else "avatar"
    kept = upload(world, amina, to=f"{ME}/{other}").json()[other]
    first = upload(world, amina, to=f"{ME}/{kind}").json()[kind]
    second = upload(world, amina, jpeg(80, 80), to=f"{ME}/{kind}").json()[kind]
    assert first["url"] != second["url"]
    world.drain()
    assert names(world) == both(path_of(kept), path_of(second))
    assert objects(world) == sorted([path_of(kept), path_of(second)])
    assert (picture(world, amina, kind), picture(world, amina, other)) == (second, kept)


@PICTURES
@pytest.mark.rule("hamsaya:78")
def test_a_picture_is_removed_with_its_object(world: World, kind: str) -> None:
    amina, bahar = world.person(), world.person()
    theirs = upload(world, bahar, to=f"{ME}/{kind}").json()[kind]
    upload(world, amina, to=f"{ME}/{kind}")
    answer = world.delete(f"{ME}/{kind}", amina)
    assert (answer.status_code, answer.content) == (204, b"")
    world.drain()
    assert picture(world, amina, kind) is None
    assert names(world) == both(path_of(theirs))
    assert world.delete(f"{ME}/{kind}", amina).status_code == 204
    assert picture(world, bahar, kind) == theirs


@PICTURES
def test_what_is_no_picture_changes_nothing(world: World, kind: str) -> None:
    amina = world.person()
    photo = upload(world, amina, to=f"{ME}/{kind}").json()[kind]
    path = f"{ME}/{kind}"
    for answer, status in (
        (upload(world, amina, b"words", to=path), 415),
        (upload(world, amina, jpeg()[:200], to=path), 400),
        (upload(world, amina, jpeg() + bytes(10 * 1024 * 1024), to=path), 413),
        (world.post(path, amina), 400),
        (world.post(path, amina, json={kind: photo}), 415),
        (upload(world, None, to=path), 401),
        (world.delete(path), 401),
    ):
        assert answer.status_code == status
    world.drain()
    assert picture(world, amina, kind) == photo
    assert names(world) == both(path_of(photo))


def test_pictures_are_not_set_by_a_change_of_the_profile(world: World) -> None:
    amina = world.person()
    photo = upload(world, amina).json()["photo"]
    answer = world.put(ME, amina, json={"avatar": photo, "cover": photo})
    assert answer.status_code == 422
    assert sorted(fault["field"] for fault in answer.json()["error"]["details"]) == ["avatar", "cover"]
    upload(world, amina, to=f"{ME}/avatar")
    before = picture(world, amina, "avatar")
    assert world.put(ME, amina, json={"about": "A baker."}).json()["profile"]["avatar"] == before


@PICTURES
@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "once"}], ids=["plain", "with a key"])
def test_a_picture_that_cannot_be_attached_leaves_nothing_behind(
    clone: World, kind: str, key: dict[str, str]
) -> None:
    amina = clone.person()
    clone.sql("UPDATE profiles SET deleted_at = now() WHERE id = $1 RETURNING id", amina.id)
    assert upload(clone, amina, to=f"{ME}/{kind}", headers=key).status_code == 404
    assert is_empty(clone)
    assert clone.delete(f"{ME}/{kind}", amina).status_code == 404


@PICTURES
def test_a_picture_from_elsewhere_is_replaced_without_a_search(world: World, kind: str) -> None:
    amina = world.person()
    elsewhere = Photo("https://lh3.example/a.jpg", "a.jpg", "image/jpeg", 1, 1, 1)
    world.sql(f"UPDATE profiles SET {kind} = $2 WHERE id = $1 RETURNING id", amina.id, elsewhere)
    assert picture(world, amina, kind)["url"] == "https://lh3.example/a.jpg"
    photo = upload(world, amina, to=f"{ME}/{kind}").json()[kind]
    assert picture(world, amina, kind) == photo


def test_of_pictures_sent_at_once_one_stays(clone: World) -> None:
    amina = clone.person()
    clone.get(ME, amina)

    async def send() -> list[int]:
        files = [{"file": ("a.jpg", jpeg(40 + number, 40))} for number in range(6)]
        work = [clone.http.post(f"{ME}/avatar", files=file, headers=amina.auth) for file in files]
        return [answer.status_code for answer in await asyncio.gather(*work)]

    assert clone.go(send()) == [200] * 6
    clone.drain()
    kept = path_of(picture(clone, amina, "avatar"))
    assert names(clone) == both(kept)
    assert objects(clone) == [kept]
    assert attached(clone, kept) == 1
