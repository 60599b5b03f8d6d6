"""Pictures of drafts: kept while a draft refers to them, handed to the post, given up with the draft."""

from datetime import timedelta

from majlis.features.media import service as media
from majlis.kit import clock
from majlis.kit.me import Me
from tests.features.drafts.drafting import DRAFTS, ahead, keep, read, work
from tests.features.media.uploads import attached, bare, names, objects, stored
from tests.features.posts.writing import POSTS, faults
from tests.world import PASSWORD, Person, World


def photos(world: World, who: Person, count: int = 1) -> tuple[list[str], list[dict[str, object]]]:
    """Uploads of somebody: their objects, and how a body names them."""
    made = stored(world, who, count)
    fields = ("url", "name", "mime_type", "size", "width", "height", "thumbnail_url")
    return [one.path for one in made], [{name: getattr(one.photo, name) for name in fields} for one in made]


def sweep(world: World) -> None:
    with clock.shifted(timedelta(days=3)):
        world.go(media.sweep(world.app, Me.system))


def test_a_picture_of_a_draft_is_not_swept(world: World) -> None:
    amina = world.person()
    (path, loose), (photo, _) = photos(world, amina, 2)
    draft = keep(world, amina, type="FEED", attachments=[photo])
    assert bare(draft["attachments"]) == bare([photo])
    sweep(world)
    assert objects(world) == [path] and loose not in objects(world)
    assert attached(world, path) == 1


def test_publishing_hands_it_to_the_post(world: World) -> None:
    amina = world.person()
    (path,), (photo,) = photos(world, amina)
    draft = keep(world, amina, type="FEED", attachments=[photo])
    post = world.post(f"{DRAFTS}/{draft['id']}/publish", amina).json()
    world.drain()
    sweep(world)
    assert [one["photo"] for one in post["attachments"]] == [photo]
    assert attached(world, path) == 1 and names(world) != []
    assert world.delete(f"{POSTS}/{post['id']}", amina).status_code == 204
    world.drain()
    assert objects(world) == names(world) == []


def test_deleting_a_draft_gives_it_up(world: World) -> None:
    amina = world.person()
    _, given = photos(world, amina, 2)
    draft = keep(world, amina, attachments=given)
    assert world.delete(f"{DRAFTS}/{draft['id']}", amina).status_code == 204
    world.drain()
    assert objects(world) == names(world) == []


def test_changing_the_pictures(world: World) -> None:
    amina = world.person()
    (first, second, third), given = photos(world, amina, 3)
    draft = keep(world, amina, attachments=given[:2])
    path = f"{DRAFTS}/{draft['id']}"
    assert bare(world.put(path, amina, {"title": "a"}).json()["attachments"]) == bare(given[:2])
    assert bare(world.put(path, amina, {"attachments": given[1:]}).json()["attachments"]) == bare(given[1:])
    world.drain()
    assert objects(world) == sorted([second, third]) and first not in objects(world)
    assert attached(world, second) == attached(world, third) == 1
    assert world.put(path, amina, {"attachments": []}).status_code == 200
    world.drain()
    assert objects(world) == []


def test_pictures_of_others_and_too_many(world: World) -> None:
    amina, bilal = world.person(), world.person()
    _, given = photos(world, bilal)
    assert faults(world.post(DRAFTS, amina, {"attachments": given})) == {"attachments[0].url"}
    assert faults(world.post(DRAFTS, bilal, {"attachments": given * 11})) == {"attachments"}


def test_scheduling_counts_a_picture_once(world: World) -> None:
    amina = world.person()
    (path,), given = photos(world, amina)
    draft = keep(world, amina, type="FEED", attachments=given, publish_at=ahead(hours=1))
    assert attached(world, path) == 1
    work(world, hours=2)
    assert read(world, amina, draft) is None
    assert attached(world, path) == 1 and objects(world) == [path]


def test_a_picture_that_is_gone_is_told(world: World) -> None:
    amina = world.person()
    (path,), given = photos(world, amina)
    draft = keep(world, amina, type="FEED", attachments=given, publish_at=ahead(hours=1))
    world.sql("UPDATE uploads SET removed_at = now() WHERE object = $1 RETURNING 1", path)
    work(world, hours=2)
    found = read(world, amina, draft)
    assert found is not None and found["failure"]["details"][0]["field"] == "attachments[0].url"


def test_a_deleted_account_gives_them_up(world: World) -> None:
    amina = world.person()
    _, given = photos(world, amina)
    keep(world, amina, attachments=given)
    body = {"reason": "other", "password": PASSWORD}
    assert world.request("DELETE", "/api/v1/users/me/account", amina, json=body).is_success
    world.drain()
    assert objects(world) == names(world) == []
