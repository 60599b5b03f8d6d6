"""What networks tell by themselves: Instagram's two callbacks and TikTok's webhook."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from majlis.features.connections import handlers
from majlis.kit import clock
from majlis.vendors.connections.fake import Fake
from tests.features.connections.networking import NATIVE, came_back, connected, exchange, listed, somebody
from tests.world import World

TOLD = f"{NATIVE}/instagram/deauthorize"
DELETE = f"{NATIVE}/instagram/data-deletion"
TIKTOK = f"{NATIVE}/tiktok/deauthorize"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def tell(world: World, path: str, signed_request: str) -> httpx.Response:
    """The answer to Meta's form."""
    return world.post(path, content=f"signed_request={signed_request}", headers=FORM)


def kept(world: World, platform: str = "instagram") -> list[dict[str, Any]]:
    """What is kept of accounts at a network."""
    return world.sql(
        "SELECT is_connected, access_token <> '' AS has_token, subject FROM connections WHERE platform = $1",
        platform,
    )


@pytest.mark.rule("sioree:R23")
def test_who_takes_it_back_at_instagram_is_not_connected_any_more(town: World, networks: Fake) -> None:
    amina = somebody(town)
    connected(town, amina, "instagram")
    connected(town, amina, "spotify")
    answer = tell(town, TOLD, networks.signed_request())
    assert (answer.status_code, answer.content) == (204, b"")
    assert {one["platform"]: one["isConnected"] for one in listed(town, amina)} == {
        "instagram": False,
        "spotify": True,
    }
    assert [(one["is_connected"], one["has_token"]) for one in kept(town)] == [(False, False)]
    assert tell(town, TOLD, networks.signed_request()).status_code == 204, "again changes nothing"
    assert connected(town, amina, "instagram")["isConnected"], "and it can be connected again"


@pytest.mark.parametrize("known_as", ["app_subject", "subject"])
def test_both_ids_of_instagrams_are_known(town: World, networks: Fake, known_as: str) -> None:
    connected(town, somebody(town), "instagram")
    (row,) = town.sql(f"SELECT {known_as} AS id FROM connections")
    tell(town, TOLD, networks.signed_request(user_id=row["id"]))
    assert [one["is_connected"] for one in kept(town)] == [False]


def test_of_other_people_nothing_changes(town: World, networks: Fake) -> None:
    connected(town, somebody(town), "instagram")
    for path in (TOLD, DELETE):
        assert tell(town, path, networks.signed_request("bilal")).is_success
    assert [one["is_connected"] for one in kept(town)] == [True]


def test_what_was_connected_since_stays(town: World, networks: Fake) -> None:
    """A callback that comes late, or is sent again by whoever saw it, ends nothing that was allowed after it."""
    amina = somebody(town)
    with clock.shifted(-timedelta(hours=1)):
        late = networks.signed_request()
    connected(town, amina, "instagram")
    for path in (TOLD, DELETE):
        assert tell(town, path, late).is_success
    assert [one["is_connected"] for one in kept(town)] == [True]


@pytest.mark.rule("sioree:R23")
def test_data_is_deleted_and_people_can_see_that_it_was(town: World, networks: Fake) -> None:
    amina, bilal = somebody(town), somebody(town, "Bilal")
    connected(town, amina, "instagram")
    networks.people["instagram"] = "bilal"
    connected(town, bilal, "instagram")
    told = networks.signed_request()
    answer = tell(town, DELETE, told)
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/json"
    found = answer.json()
    assert set(found) == {"url", "confirmation_code"}
    assert found["url"].startswith(town.app.settings.base_url())
    assert found["url"].endswith(found["confirmation_code"])
    assert (listed(town, amina), len(listed(town, bilal))) == ([], 1)
    shown = town.get(urlsplit(found["url"]).path).json()
    assert (shown["status"], "instagram" in shown["detail"]) == ("deleted", True)
    assert set(shown) == {"status", "detail", "deleted_at"}
    assert tell(town, DELETE, told).json() == found, "the same request has the same answer"
    assert town.get(f"{NATIVE}/deletions/0000").status_code == 404


def test_what_was_deleted_is_shown_for_half_a_year(town: World, networks: Fake) -> None:
    found = tell(town, DELETE, networks.signed_request()).json()
    path = urlsplit(found["url"]).path
    for days, status in ((179, 200), (181, 404)):
        with clock.shifted(timedelta(days=days)):
            town.go(handlers.tidy(town.app))
            assert town.get(path).status_code == status


BAD = {
    "another secret": lambda fake: fake.signed_request(secret="somebody else's"),
    "another algorithm": lambda fake: fake.signed_request(algorithm="none"),
    "no signature": lambda fake: "." + fake.signed_request().partition(".")[2],
    "another payload": lambda fake: fake.signed_request().partition(".")[0] + ".eyJ1c2VyX2lkIjoiMSJ9",
    "no payload": lambda fake: fake.signed_request().partition(".")[0],
    "no person": lambda fake: fake.signed_request(user_id=""),
    "no time": lambda fake: fake.signed_request(issued_at="yesterday"),
    "too far": lambda fake: fake.signed_request(issued_at=10**30),
    "nonsense": lambda fake: "%FF%00",
    "nothing": lambda fake: "",
}


@pytest.mark.parametrize("path", [TOLD, DELETE])
@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_what_meta_did_not_sign_changes_nothing(town: World, networks: Fake, path: str, bad: Any) -> None:
    connected(town, somebody(town), "instagram")
    answer = tell(town, path, bad(networks))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_signature")
    assert [one["is_connected"] for one in kept(town)] == [True]


def test_networks_that_tell_nothing_are_not_believed(town: World, networks: Fake) -> None:
    for platform in ("spotify", "youtube", "soundcloud", "twitter"):
        for path in (f"{NATIVE}/{platform}/deauthorize", f"{NATIVE}/{platform}/data-deletion"):
            assert tell(town, path, networks.signed_request()).status_code == 400
    answer = tell(town, f"{NATIVE}/myspace/deauthorize", networks.signed_request())
    assert answer.json()["error"]["code"] == "unknown_platform"


def test_without_settings_nobody_tells_anything(world: World) -> None:
    answer = tell(world, TOLD, Fake.signed_request(None))  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "provider_not_configured")


def test_who_takes_it_back_at_tiktok_is_not_connected_any_more(town: World, networks: Fake) -> None:
    amina = somebody(town)
    connected(town, amina, "tiktok")
    body, headers = networks.tiktok_event(event="video.publish.completed")
    assert town.post(TIKTOK, content=body, headers=headers).status_code == 204
    assert [one["is_connected"] for one in kept(town, "tiktok")] == [True], "other news are nothing to us"
    body, headers = networks.tiktok_event()
    assert town.post(TIKTOK, content=body, headers=headers).status_code == 204
    assert [(one["is_connected"], one["has_token"]) for one in kept(town, "tiktok")] == [(False, False)]
    assert exchange(town, amina, "tiktok", came_back(town, amina, "tiktok")).status_code == 200


@pytest.mark.parametrize(
    "changed",
    [
        lambda body, headers: (body + b" ", headers),
        lambda body, headers: (body, {}),
        lambda body, headers: (body, {"TikTok-Signature": "t=1,s=é".encode().decode("latin-1")}),
        lambda body, headers: (body, {"TikTok-Signature": headers["TikTok-Signature"].partition(",")[0]}),
    ],
    ids=["another body", "no signature", "nonsense", "half"],
)
def test_what_tiktok_did_not_sign_changes_nothing(town: World, networks: Fake, changed: Any) -> None:
    connected(town, somebody(town), "tiktok")
    now = clock.now().timestamp()
    sent = [changed(*networks.tiktok_event())]
    sent += [networks.tiktok_event(at=now - 600), networks.tiktok_event(at=now + 600)]
    sent += [networks.tiktok_event(secret="somebody else's")]
    for body, headers in sent:
        answer = town.post(
            TIKTOK, content=body, headers={key: value.encode() for key, value in headers.items()}
        )
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_signature")
    assert [one["is_connected"] for one in kept(town, "tiktok")] == [True]
