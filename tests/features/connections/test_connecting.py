"""Connecting accounts at social networks, whose stand-in speaks as they document over HTTP."""

import asyncio
import contextlib
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import pytest

from majlis.features.connections import handlers, store
from majlis.kit import clock
from majlis.kit.db import Query
from majlis.settings import BadSettings, Settings
from majlis.vendors import connections as vendors
from majlis.vendors.connections.fake import Fake
from majlis.vendors.connections.table import NETWORKS
from majlis.vendors.linking import ProviderFailed
from tests.features.connections.networking import (
    ACCOUNTS,
    ALL,
    AT_THE_DOOR,
    NATIVE,
    SOCIAL,
    allowed,
    begun,
    came_back,
    connected,
    exchange,
    landed,
    listed,
    rows,
    served_by,
    somebody,
)
from tests.features.queries import counted
from tests.world import Person, World

NOTHING = {"connection_attempts": 0, "connections": 0, "connection_revocations": 0}
SHOWN = {
    "instagram": ("@amina", "https://instagram.com/amina"),
    "tiktok": ("@amina", "https://www.tiktok.com/@amina"),
    "youtube": ("amina", "https://www.youtube.com/channel/UC"),
    "spotify": ("amina", "https://open.spotify.com/user/amina"),
}


@pytest.mark.rule("sioree:R18", "sioree:R20", "sioree:D7", "sioree:R22")
@pytest.mark.parametrize("platform", AT_THE_DOOR)
def test_an_account_is_connected(town: World, networks: Fake, platform: str) -> None:
    amina = somebody(town)
    account = connected(town, amina, platform)
    assert account.keys() == {"id", "platform", "username", "profileUrl", "isConnected", "connectedAt"}
    name, address = SHOWN[platform]
    assert (account["platform"], account["username"], account["isConnected"]) == (platform, name, True)
    assert account["profileUrl"].startswith(address)
    assert listed(town, amina) == [account]
    assert listed(town, somebody(town, "Farid")) == []
    (row,) = town.sql("SELECT username FROM connections")
    assert row["username"] == "amina"


@pytest.mark.rule("sioree:R18", "sioree:R23", "sioree:R24")
@pytest.mark.parametrize(
    "platform, client, scopes, more",
    [
        ("instagram", "client_id", "instagram_business_basic", {}),
        ("tiktok", "client_key", "user.info.basic,user.info.profile", {}),
        (
            "youtube",
            "client_id",
            "https://www.googleapis.com/auth/youtube.readonly",
            {"access_type": "offline", "prompt": "consent", "code_challenge_method": "S256"},
        ),
        ("spotify", "client_id", "user-read-private", {"code_challenge_method": "S256"}),
    ],
)
def test_where_people_are_sent_to(
    town: World, networks: Fake, platform: str, client: str, scopes: str, more: dict[str, str]
) -> None:
    made = begun(town, somebody(town), platform)
    asked = dict(parse_qsl(urlsplit(made["authUrl"]).query))
    back = f"http://127.0.0.1:8080/sioree/api/social/{platform}/callback"
    wanted = {
        client: f"{platform}-client",
        "scope": scopes,
        "response_type": "code",
        "redirect_uri": back,
        "state": made["state"],
        **more,
    }
    assert {name: asked[name] for name in wanted} == wanted
    assert asked.keys() - wanted.keys() <= {"code_challenge"}
    assert len(made["state"]) >= 32


def test_real_addresses_without_the_stand_in(world: World, networks: Fake) -> None:
    served_by(world, networks, social_url="")
    hosts = {name: urlsplit(world.app.social.get(name).authorize_url("s", "v")).netloc for name in ALL}
    assert hosts == {
        "instagram": "www.instagram.com",
        "tiktok": "www.tiktok.com",
        "youtube": "accounts.google.com",
        "spotify": "accounts.spotify.com",
        "twitter": "x.com",
        "soundcloud": "secure.soundcloud.com",
    }


@pytest.mark.rule("sioree:R8", "sioree:R20", "sioree:D9")
@pytest.mark.parametrize("platform", AT_THE_DOOR)
def test_tokens_are_sealed_with_their_place(town: World, networks: Fake, platform: str) -> None:
    connected(town, somebody(town), platform)
    (grant,) = networks.grants
    (row,) = town.sql("SELECT id, access_token, refresh_token, expires_at FROM connections")

    def opened(column: str) -> str:
        return town.app.sealer.open(row[column], f"connections|{column}|{row['id']}").decode()

    assert opened("access_token") in grant.access
    assert row["expires_at"] > clock.now()
    if platform == "instagram":  # whose second token lasts, and has no other one beside it
        assert row["refresh_token"] == "" and row["expires_at"] > clock.now() + timedelta(days=59)
    else:
        assert opened("refresh_token") == grant.refresh


@pytest.mark.rule("sioree:R23")
def test_both_shapes_of_instagrams_first_token_are_read(town: World, networks: Fake) -> None:
    networks.flat = False
    assert connected(town, somebody(town), "instagram")["username"] == "@amina"


# ---- states


@pytest.mark.rule("sioree:R19")
def test_a_state_counts_once_for_its_person_network_and_ten_minutes(town: World, networks: Fake) -> None:
    amina, farid = somebody(town), somebody(town, "Farid")
    told = came_back(town, amina, "tiktok")
    wrong: list[tuple[Person, str, dict[str, str]]] = [
        (farid, "tiktok", told),
        (amina, "spotify", told),
        (amina, "tiktok", {**told, "state": "made-up"}),
        (amina, "tiktok", {"code": told["code"]}),
    ]
    for who, platform, body in wrong:
        answer = exchange(town, who, platform, body)
        assert (answer.status_code, answer.json()["error"]) == (400, "Invalid state")
    assert exchange(town, amina, "tiktok", told).status_code == 200
    again = exchange(town, amina, "tiktok", told)
    assert (again.status_code, again.json()["error"]) == (400, "Invalid state")
    late = came_back(town, amina, "spotify")
    with clock.shifted(timedelta(minutes=10)):
        assert exchange(town, amina, "spotify", late).json()["error"] == "Invalid state"
    assert [one["platform"] for one in listed(town, amina)] == ["tiktok"]


def shown_at_once(city: World) -> list[int]:
    """The statuses of eight who show the same state and code at once."""
    amina = somebody(city)
    told = came_back(city, amina, "youtube")
    body = {"code": told["code"], "state": told["state"]}

    async def run() -> list[int]:
        path = f"{SOCIAL}/youtube/exchange"
        asked = (city.http.post(path, json=body, headers=amina.auth) for _ in range(8))
        return sorted(answer.status_code for answer in await asyncio.gather(*asked))

    return city.go(run())


@pytest.mark.rule("sioree:R19")
def test_of_many_who_show_a_state_at_once_one_is_heard(city: World, networks: Fake) -> None:
    assert shown_at_once(city) == [200] + [400] * 7
    assert networks.asked.count("/youtube/token") == 1


def test_control_a_state_that_is_only_read_is_heard_each_time(
    city: World, networks: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = """SELECT id, verifier, expires_at FROM connection_attempts
      WHERE state_hash = $1 AND user_id = $2 AND platform = $3"""
    monkeypatch.setattr(store, "TAKE_ATTEMPT", Query(store.Begun, read))
    assert 400 not in shown_at_once(city)
    assert networks.asked.count("/youtube/token") == 8


def test_attempts_do_not_heap_up(town: World, networks: Fake) -> None:
    amina = somebody(town)
    newest = [begun(town, amina, "spotify") for _ in range(25)][-1]
    assert rows(town)["connection_attempts"] <= 21
    assert exchange(town, amina, "spotify", landed(town, allowed(newest["authUrl"]))).status_code == 200
    with clock.shifted(timedelta(minutes=11)):
        town.go(handlers.tidy(town.app))
    assert rows(town)["connection_attempts"] == 0


def test_without_a_code_nothing_is_asked(town: World, networks: Fake) -> None:
    amina = somebody(town)
    state = begun(town, amina, "tiktok")["state"]
    for body in ({"state": state}, {"state": state, "code": ""}):
        answer = town.post(f"{SOCIAL}/tiktok/exchange", amina, body)
        assert (answer.status_code, answer.json()["error"]) == (400, "code_required")
    assert networks.asked == []


# ---- the way back


@pytest.mark.rule("sioree:R22")
def test_the_callback_forwards_to_the_app_and_exchanges_nothing(town: World, networks: Fake) -> None:
    for platform in AT_THE_DOOR:
        answer = town.get(f"{SOCIAL}/{platform}/callback?code=a%26b&state=s+t&other=1")
        assert answer.status_code == 302
        assert answer.headers["Location"] == f"sioree://{platform}-callback?code=a%26b&state=s+t"
        assert answer.headers["Cache-Control"] == "no-store"
    assert networks.asked == []
    unknown = town.get(f"{SOCIAL}/myspace/callback?code=a")
    assert (unknown.status_code, unknown.json()["error"]) == (400, "unknown_platform")
    split = town.get(f"{SOCIAL}/tiktok/callback?state=a%0d%0aSet-Cookie:x")
    assert split.status_code == 302 or split.status_code == 400
    assert "Set-Cookie" not in split.headers


def test_whoever_refuses_is_told_so_in_the_app(town: World, networks: Fake) -> None:
    networks.denies = True
    amina = somebody(town)
    told = landed(town, allowed(begun(town, amina, "instagram")["authUrl"]))
    assert told["error"] == "access_denied" and "code" not in told


# ---- faults


@pytest.mark.parametrize("platform", AT_THE_DOOR)
@pytest.mark.parametrize("fault", ["down", "html"])
@pytest.mark.parametrize("where", ["token", "profile"])
def test_faults_of_networks_leave_nothing_half_connected(
    town: World, networks: Fake, platform: str, fault: str, where: str
) -> None:
    network = NETWORKS[platform]
    amina = somebody(town)
    told = came_back(town, amina, platform)
    address = network.exchange if where == "token" else network.profile
    networks.fault, networks.faulty = fault, f"/{platform}{urlsplit(address).path}"
    answer = exchange(town, amina, platform, told)
    assert (answer.status_code, answer.json()["error"]) == (502, "provider_error")
    assert listed(town, amina) == []
    networks.fault = None
    town.drain()
    assert rows(town) == NOTHING
    if where == "profile" and network.revoke:
        assert all(grant.over for grant in networks.grants), "what was given is taken back"


@pytest.mark.parametrize("platform", AT_THE_DOOR)
def test_spent_and_expired_codes(town: World, networks: Fake, platform: str) -> None:
    amina = somebody(town)
    networks.code_life = timedelta(0)
    late = came_back(town, amina, platform)
    networks.code_life = timedelta(minutes=10)
    spent = came_back(town, amina, platform)
    networks.codes[spent["code"].removesuffix("#_")]["used"] = True
    made_up = {**came_back(town, amina, platform), "code": "made-up"}
    for told in (late, spent, made_up):
        answer = exchange(town, amina, platform, told)
        assert (answer.status_code, answer.json()["error"]) == (502, "provider_error")
    assert listed(town, amina) == [] and rows(town) == NOTHING


def test_a_slow_network_is_given_up(town: World, networks: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    amina = somebody(town)
    told = came_back(town, amina, "spotify")
    monkeypatch.setattr(town.app.social.get("spotify")._wire, "_timeout_s", 0.05)  # type: ignore[attr-defined]
    networks.fault, networks.faulty = "slow", "/spotify/api/token"
    answer = exchange(town, amina, "spotify", told)
    assert (answer.status_code, answer.json()["error"]) == (502, "provider_error")
    assert listed(town, amina) == []


def test_another_app_that_got_hold_of_the_code_cannot_use_it(town: World, networks: Fake) -> None:
    """The verifier stays here: with another one the network refuses."""
    amina = somebody(town)
    told = came_back(town, amina, "spotify")
    networks.codes[told["code"]]["challenge"] = "another"
    assert exchange(town, amina, "spotify", told).status_code == 502


# ---- again, and away


@pytest.mark.rule("sioree:R20", "sioree:D7")
def test_connecting_again_replaces_the_account(town: World, networks: Fake) -> None:
    amina = somebody(town)
    first = connected(town, amina, "tiktok")
    with clock.shifted(timedelta(minutes=1)):
        second = connected(town, amina, "tiktok")
    assert listed(town, amina) == [second]
    assert second["id"] != first["id"] and second["connectedAt"] > first["connectedAt"]
    town.drain()
    assert networks.revoked == [], "revoking the older tokens would end the newer ones"
    networks.people["tiktok"] = "amina_two"
    assert connected(town, amina, "tiktok")["username"] == "@amina_two"
    town.drain()
    assert len(networks.revoked) == 1 and not networks.grants[-1].over


@pytest.mark.rule("sioree:R23")
@pytest.mark.parametrize("platform", ["tiktok", "youtube", "instagram", "spotify"])
def test_removing_revokes_at_the_network(town: World, networks: Fake, platform: str) -> None:
    amina, farid = somebody(town), somebody(town, "Farid")
    account = connected(town, amina, platform)
    other = town.delete(f"{ACCOUNTS}/{account['id']}", farid)
    assert (other.status_code, other.json()["error"]) == (404, "account_not_found")
    assert town.delete(f"{ACCOUNTS}/{account['id']}", amina).json() == {"success": True}
    assert listed(town, amina) == []
    hears = platform in ("tiktok", "youtube")  # the others have no address for it
    networks.fault = "down"
    with pytest.raises(ProviderFailed) if hears else contextlib.nullcontext():
        town.drain()
    networks.fault = None
    assert rows(town)["connection_revocations"] == int(hears)
    with clock.shifted(timedelta(hours=7)):
        town.go(handlers.tidy(town.app))
        town.drain()
    assert rows(town) == NOTHING
    assert networks.grants[0].over is hears


def test_what_two_people_connected_is_revoked_with_the_second(town: World, networks: Fake) -> None:
    amina, farid = somebody(town), somebody(town, "Farid")
    networks.people["youtube"] = "theband"
    first, second = connected(town, amina, "youtube"), connected(town, farid, "youtube")
    town.delete(f"{ACCOUNTS}/{first['id']}", amina)
    town.drain()
    assert networks.revoked == []
    town.delete(f"{ACCOUNTS}/{second['id']}", farid)
    town.drain()
    assert len(networks.revoked) == 1


# ---- all networks, at the native door


@pytest.mark.rule("sioree:R21")
@pytest.mark.parametrize("platform", ALL)
def test_all_networks_at_the_native_door(town: World, networks: Fake, platform: str) -> None:
    amina = town.person("Amina")
    made = town.post(f"{NATIVE}/{platform}/attempts", amina).json()
    told = landed(town, allowed(made["url"]))
    assert told["state"] == made["state"]
    answer = town.post(f"{NATIVE}/{platform}/exchange", amina, {k: told[k] for k in ("code", "state")})
    assert answer.status_code == 200, answer.text
    account = answer.json()
    assert (account["platform"], account["username"], account["is_connected"]) == (platform, "amina", True)
    assert town.get(NATIVE, amina).json() == {"data": [account]}
    assert town.delete(f"{NATIVE}/{account['id']}", amina).status_code == 204
    town.drain()
    assert rows(town) == NOTHING
    assert networks.grants[0].over is (platform not in ("instagram", "spotify"))


@pytest.mark.rule("sioree:R21")
def test_apple_music_is_connected_by_a_token_of_the_device(town: World, networks: Fake) -> None:
    amina = town.person("Amina")
    path = f"{NATIVE}/apple_music"
    answer = town.put(path, amina, {"music_user_token": networks.music_token()})
    assert (answer.status_code, answer.json()["username"]) == (200, "us")
    wrong = town.put(path, amina, {"music_user_token": "made-up"})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (502, "provider_error")
    for bad in ("", "a b", "ü", "a\nb", "x" * 5000):
        assert town.put(path, amina, {"music_user_token": bad}).status_code == 422
    assert len(town.get(NATIVE, amina).json()["data"]) == 1


@pytest.mark.rule("sioree:R21")
def test_other_networks_have_no_paths_at_the_door(town: World) -> None:
    amina = somebody(town)
    for platform in ("twitter", "soundcloud", "apple_music", "myspace"):
        assert town.get(f"{SOCIAL}/{platform}/auth-url", amina).status_code == 404
        assert town.post(f"{SOCIAL}/{platform}/exchange", amina, {}).status_code == 404
    assert town.post(f"{NATIVE}/apple_music/attempts", town.person()).status_code == 400


# ---- settings, queries


@pytest.mark.rule("sioree:D8")
def test_without_settings_there_are_no_networks(world: World) -> None:
    amina = somebody(world)
    for platform in AT_THE_DOOR:
        answers = [
            world.get(f"{SOCIAL}/{platform}/auth-url", amina),
            world.post(f"{SOCIAL}/{platform}/exchange", amina, {"code": "a", "state": "b"}),
        ]
        for answer in answers:
            assert (answer.status_code, answer.json()["error"]) == (503, "provider_not_configured")
    native = world.person()
    assert world.put(f"{NATIVE}/apple_music", native, {"music_user_token": "x"}).status_code == 503
    assert listed(world, amina) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"tiktok_client_key": "a"},
        {"spotify_client_secret": "b"},
        {"social_url": "example.org"},
        {"apple_music_team_id": "a"},
        {"apple_music_team_id": "a", "apple_music_key_id": "b", "apple_music_private_key": "c"},
    ],
)
def test_settings_that_do_not_fit_together(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadSettings):
        vendors.from_settings(Settings(**wrong))


def test_a_list_costs_the_same_however_long(town: World, networks: Fake) -> None:
    amina = somebody(town)
    costs = []
    for platform in ("tiktok", "spotify", "youtube"):
        UUID(connected(town, amina, platform)["id"])
        with counted(town) as queries:
            listed(town, amina)
        costs.append(len(queries))
    assert len(set(costs)) == 1
