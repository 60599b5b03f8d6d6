"""The parts of a place that a client leaves out are looked up; a lookup never fails a write."""

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from majlis.kit.cache import MemoryCache
from majlis.vendors.geocode_online import GoogleGeocoder
from tests.features.media.uploads import jpeg
from tests.features.posts.writing import POSTS, body_of, faults, write
from tests.vendors import geocoders
from tests.vendors.geocoders import KEY, Fake
from tests.world import Person, World

ME = "/api/v1/users/me"
PARTS = ("country", "province", "district", "neighborhood")
KARTE_SEH = {"lat": 34.5025, "lng": 69.1335}
HERAT = {"lat": 34.3420, "lng": 62.1985}
PAGHMAN = {"lat": 34.5879, "lng": 68.9509}
OCEAN = {"lat": 0.0, "lng": -140.0}
IN_KARTE_SEH = ("Afghanistan", "Kabul", "District 6", "Karte Seh")
IN_HERAT = ("Afghanistan", "Herat", "Herat", "Darb-e Khosh")
NOWHERE = (None, None, None, None)

offline = pytest.mark.settings(geocoder="offline")


def parts(thing: dict[str, Any]) -> tuple[str | None, ...]:
    return tuple(thing[part] for part in PARTS)


def change(world: World, who: Person, **fields: Any) -> dict[str, Any]:
    """The profile of somebody who changes it."""
    answer = world.put(ME, who, fields)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["profile"]
    return found


def edit(world: World, who: Person, post: dict[str, Any], **fields: Any) -> dict[str, Any]:
    answer = world.put(f"{POSTS}/{post['id']}", who, fields)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@offline
@pytest.mark.rule("hamsaya:114")
def test_a_post_learns_where_it_is(world: World) -> None:
    amina = world.person()
    assert parts(write(world, amina, address_location=KARTE_SEH)) == IN_KARTE_SEH
    assert parts(write(world, amina, user_location=HERAT)) == IN_HERAT
    both = write(world, amina, address_location=KARTE_SEH, user_location=HERAT)
    assert parts(both) == IN_KARTE_SEH
    assert parts(write(world, amina, address_location=None, user_location=HERAT)) == IN_HERAT
    assert parts(write(world, amina)) == NOWHERE
    assert parts(write(world, amina, address_location=OCEAN)) == NOWHERE
    stored = world.sql(
        "SELECT country, province, district, neighborhood FROM posts WHERE id = $1", UUID(both["id"])
    )
    assert parts(stored[0]) == IN_KARTE_SEH


@offline
@pytest.mark.rule("hamsaya:114")
def test_what_is_given_stays_and_null_stays_null(world: World) -> None:
    amina = world.person()
    post = write(world, amina, address_location=KARTE_SEH, district="ناحیهٔ ۶", neighborhood=None)
    assert parts(post) == ("Afghanistan", "Kabul", "ناحیهٔ ۶", None)
    profile = change(world, amina, location=KARTE_SEH, district="Ours", neighborhood=None)
    assert parts(profile) == ("Afghanistan", "Kabul", "Ours", None)


@offline
@pytest.mark.rule("hamsaya:114", "hamsaya:22")
def test_a_location_completes_a_profile(world: World) -> None:
    amina = world.person("Amina")
    assert not change(world, amina, about="Baker")["is_complete"]
    profile = change(world, amina, location=KARTE_SEH)
    assert (parts(profile), profile["is_complete"]) == (IN_KARTE_SEH, True)


@offline
@pytest.mark.rule("hamsaya:114")
def test_only_a_new_location_of_a_profile_is_looked_up(world: World) -> None:
    amina = world.person()
    change(world, amina, location=KARTE_SEH, district="Sixth", neighborhood="Our lane")
    typed = ("Afghanistan", "Kabul", "Sixth", "Our lane")
    assert parts(change(world, amina, location=KARTE_SEH, about="Baker")) == typed
    assert parts(change(world, amina, about="Tailor")) == typed
    assert parts(change(world, amina, location=None)) == typed
    assert parts(change(world, amina, location=HERAT)) == IN_HERAT
    # Nothing is known of a neighbourhood there, and Herat's is not it.
    assert parts(change(world, amina, location=PAGHMAN)) == ("Afghanistan", "Kabul", "Paghman", None)
    change(world, amina, neighborhood="Upper village")
    moved = {"lat": PAGHMAN["lat"] + 0.001, "lng": PAGHMAN["lng"]}
    same = change(world, amina, location=moved)
    assert parts(same) == ("Afghanistan", "Kabul", "Paghman", "Upper village")
    assert parts(change(world, amina, location=OCEAN)) == parts(same)


@offline
@pytest.mark.rule("hamsaya:114")
def test_only_a_new_location_of_a_post_is_looked_up(world: World) -> None:
    amina = world.person()
    post = write(world, amina, address_location=KARTE_SEH, neighborhood="Our lane")
    typed = (*IN_KARTE_SEH[:3], "Our lane")
    assert parts(edit(world, amina, post, address_location=KARTE_SEH, description="Again")) == typed
    # Where the writer is does not matter while the post has an address.
    assert parts(edit(world, amina, post, user_location=HERAT)) == typed
    assert parts(edit(world, amina, post, address_location=HERAT)) == IN_HERAT
    assert parts(edit(world, amina, post, address_location=PAGHMAN, province="کابل", district=None)) == (
        "Afghanistan", "کابل", None, None,
    )  # fmt: skip
    elsewhere = edit(world, amina, post, address_location=None, user_location=KARTE_SEH)
    assert parts(elsewhere) == IN_KARTE_SEH


@offline
def test_nobody_moves_the_post_of_another(world: World) -> None:
    amina, karim = world.person(), world.person()
    post = write(world, amina, address_location=KARTE_SEH)
    assert world.put(f"{POSTS}/{post['id']}", karim, {"address_location": HERAT}).status_code == 403
    assert world.post(POSTS, None, body_of(world, "FEED", address_location=HERAT)).status_code == 401
    assert parts(world.get(f"{POSTS}/{post['id']}", amina).json()) == IN_KARTE_SEH
    assert faults(world.put(ME, amina, {"location": {"lat": 91, "lng": 0}})) == {"location"}


@offline
def test_lists_find_a_post_by_what_was_filled_in(world: World) -> None:
    amina = world.person()
    post = write(world, amina, address_location=KARTE_SEH)
    write(world, amina, address_location=HERAT)
    found = world.get(POSTS, amina, params={"province": "Kabul", "neighborhood": "Karte Seh"}).json()["data"]
    assert [one["id"] for one in found] == [post["id"]]


def test_off_fills_nothing(world: World) -> None:
    assert parts(write(world, world.person(), address_location=KARTE_SEH)) == NOWHERE


# ---- with a company


class Patient(GoogleGeocoder):
    """Waits for a busy machine, and tries again at once after a failure."""

    timeout_s, rest_s = 60.0, 0.0


@pytest.fixture
def google(world: World) -> Iterator[Fake]:
    """A server that speaks as Google does; the app asks it."""

    async def asking(url: str) -> GoogleGeocoder:
        return Patient("majlis", url, KEY)

    with geocoders.serving() as fake:
        geocoder = world.go(asking(fake.url))
        world.app.geocoder = geocoder
        yield fake
        world.go(geocoder.aclose())


FROM_GOOGLE = ("Afghanistan", "Kabul", "Kabul", "Karte Seh")


@pytest.mark.rule("hamsaya:113")
def test_an_answer_is_kept_for_a_day_for_all_nearby(world: World, google: Fake) -> None:
    passed = 0.0
    world.app.cache = MemoryCache(clock=lambda: passed)
    amina, karim = world.person(), world.person()
    assert parts(write(world, amina, address_location=KARTE_SEH)) == FROM_GOOGLE
    assert parts(change(world, karim, location={"lat": 34.502_53, "lng": 69.133_46})) == FROM_GOOGLE
    passed = 24 * 3600 - 1
    assert parts(write(world, karim, user_location=KARTE_SEH)) == FROM_GOOGLE
    assert [asked["latlng"] for asked in google.asked] == ["34.5025,69.1335"]
    passed = 24 * 3600 + 1
    assert parts(write(world, karim, user_location=KARTE_SEH)) == FROM_GOOGLE
    assert len(google.asked) == 2
    assert parts(write(world, karim, user_location={"lat": 34.5026, "lng": 69.1335})) == NOWHERE
    assert len(google.asked) == 3


@pytest.mark.rule("hamsaya:113")
def test_that_nothing_is_there_is_kept_too(world: World, google: Fake) -> None:
    for tiny in (-0.000_01, 0.0, 0.000_01):
        assert parts(write(world, world.person(), address_location={"lat": tiny, "lng": 1.0})) == NOWHERE
    assert [asked["latlng"] for asked in google.asked] == ["0.0,1.0"]


@pytest.mark.rule("hamsaya:114")
@pytest.mark.parametrize("fault", [*geocoders.FAULTS, "slow"])
def test_a_failed_lookup_leaves_the_parts_and_never_fails_the_write(
    world: World, google: Fake, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    amina = world.person()
    change(world, amina, province="Herat")
    if fault == "slow":
        google.delay_s = 60.0
        monkeypatch.setattr(world.app.geocoder, "timeout_s", 0.1)
    google.fault = fault
    post = write(world, amina, address_location=KARTE_SEH, neighborhood="Our lane")
    assert parts(post) == (None, None, None, "Our lane")
    assert parts(change(world, amina, location=KARTE_SEH)) == (None, "Herat", None, None)
    assert parts(edit(world, amina, post, address_location=HERAT)) == (None, None, None, "Our lane")
    # A failure is not kept: the next write finds out.
    google.fault, google.delay_s = None, 0.0
    monkeypatch.setattr(world.app.geocoder, "timeout_s", 60.0)
    assert parts(write(world, amina, address_location=KARTE_SEH)) == FROM_GOOGLE


@pytest.mark.rule("hamsaya:114")
def test_even_a_fault_of_ours_does_not_fail_the_write(world: World) -> None:
    class Faulty:
        async def reverse(self, point: object) -> None:
            raise ZeroDivisionError

        async def aclose(self) -> None:
            return None

    world.app.geocoder = Faulty()
    assert parts(write(world, world.person(), address_location=KARTE_SEH)) == NOWHERE


def test_nobody_is_asked_without_need(world: World, google: Fake) -> None:
    amina = world.person()
    given = dict(zip(PARTS, IN_HERAT, strict=True))
    assert parts(write(world, amina, address_location=KARTE_SEH, **given)) == IN_HERAT
    assert parts(change(world, amina, location=KARTE_SEH, **dict.fromkeys(PARTS))) == NOWHERE
    write(world, amina)
    change(world, amina, about="Baker", location=None)
    assert google.asked == []


def test_no_transaction_waits_for_the_answer(world: World, google: Fake) -> None:
    amina = world.person()
    body = body_of(world, "FEED", address_location=KARTE_SEH)
    google.delay_s = 30.0
    done: list[str] = []

    async def send(name: str, method: str, path: str, **options: Any) -> httpx.Response:
        answer = await world.http.request(method, path, headers=amina.auth, **options)
        done.append(name)
        return answer

    async def both() -> tuple[httpx.Response, httpx.Response]:
        writing = asyncio.create_task(send("write", "POST", POSTS, json=body))
        assert await asyncio.to_thread(google.reached.wait, 60)
        # The world has a single connection: if the writer held it, this would have to wait.
        read = await send("read", "GET", ME)
        google.ended.set()
        return read, await writing

    read, written = world.go(both())
    assert (read.status_code, written.status_code, done) == (200, 201, ["read", "write"])
    assert parts(written.json()) == FROM_GOOGLE


def test_a_repeated_request_is_answered_as_before(world: World, google: Fake) -> None:
    amina, key = world.person(), {"Idempotency-Key": "once"}
    body = body_of(world, "FEED", address_location=KARTE_SEH)
    first, again = (world.post(POSTS, amina, body, headers=key) for _ in range(2))
    assert (first.status_code, parts(first.json())) == (201, FROM_GOOGLE)
    assert again.json() == first.json()
    assert len(google.asked) == 1


def test_a_form_with_pictures_learns_its_place_too(world: World, google: Fake) -> None:
    files = [("images", ("a.jpg", jpeg(40, 30)))]
    data = {"type": "FEED", "address_location": '{"lat": 34.5025, "lng": 69.1335}'}
    answer = world.post(POSTS, world.person(), data=data, files=files)
    assert answer.status_code == 201, answer.text
    assert (parts(answer.json()), len(answer.json()["attachments"])) == (FROM_GOOGLE, 1)
