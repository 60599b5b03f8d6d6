"""Tokens are renewed before they end, by one at a time; what a network says is over is marked so."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from majlis.features.connections import handlers, service, store
from majlis.features.connections.handlers import Renewal
from majlis.kit import clock
from majlis.kit.db import Query
from majlis.kit.errors import NotFound
from majlis.kit.me import Me
from majlis.surfaces.compat.sioree.audience import AUDIENCE
from majlis.vendors.connections.fake import Fake
from tests.access_x18 import through
from tests.features.connections.networking import (
    ACCOUNTS,
    ALL,
    NATIVE,
    allowed,
    connected,
    landed,
    listed,
    rows,
    somebody,
)
from tests.features.exports.living import leave, nights
from tests.world import World

DAY = timedelta(days=1)
# When tokens of each are renewed: after five sixths of their life.
RENEWED = {
    "instagram": (timedelta(days=49), timedelta(days=51)),
    "tiktok": (timedelta(minutes=95), timedelta(minutes=105)),
    "youtube": (timedelta(minutes=45), timedelta(minutes=55)),
    "spotify": (timedelta(minutes=45), timedelta(minutes=55)),
    "twitter": (timedelta(minutes=95), timedelta(minutes=105)),
    "soundcloud": (timedelta(minutes=45), timedelta(minutes=55)),
}


def pass_by(world: World) -> None:
    """What the server does every five minutes."""
    world.go(handlers.find_due(world.app))
    world.drain()


def natively(world: World, platform: str) -> str:
    """The id of an account that somebody connects at the native door."""
    amina = world.person("Amina")
    made = world.post(f"{NATIVE}/{platform}/attempts", amina).json()
    told = landed(world, allowed(made["url"]))
    answer = world.post(f"{NATIVE}/{platform}/exchange", amina, {k: told[k] for k in ("code", "state")})
    return str(answer.json()["id"])


def state(world: World) -> tuple[bool, bool, bool]:
    """Of the only connection: connected, access token kept, refresh token kept."""
    (row,) = world.sql(
        "SELECT is_connected, access_token <> '' AS a, refresh_token <> '' AS r FROM connections"
    )
    return row["is_connected"], row["a"], row["r"]


@pytest.mark.rule("sioree:R23", "sioree:R20")
@pytest.mark.parametrize("platform", ALL)
def test_tokens_are_renewed_before_they_end(town: World, networks: Fake, platform: str) -> None:
    natively(town, platform)
    (grant,) = networks.grants
    before, (early, due) = set(grant.access), RENEWED[platform]
    with clock.shifted(early):
        pass_by(town)
        assert grant.access == before
    with clock.shifted(due):
        pass_by(town)
        (newer,) = grant.access - before
        (row,) = town.sql("SELECT id, access_token, expires_at FROM connections")
        place = f"connections|access_token|{row['id']}"
        assert town.app.sealer.open(row["access_token"], place).decode() == newer
        assert row["expires_at"] > clock.now() + (due - early)
        pass_by(town)  # not again
        assert grant.access == before | {newer}
    with clock.shifted(2 * due):  # with what came the last time: the first refresh token may be spent
        pass_by(town)
        assert len(grant.access) == len(before) + 2 and not grant.over
        assert state(town)[0] is True


@pytest.mark.rule("sioree:R23")
@pytest.mark.parametrize("platform", ALL)
def test_what_the_person_took_back_is_marked(town: World, networks: Fake, platform: str) -> None:
    natively(town, platform)
    networks.revoke(platform)
    with clock.shifted(RENEWED[platform][1]):
        pass_by(town)
    assert state(town) == (False, False, False)


def test_the_mark_is_seen_and_connecting_again_takes_it_away(town: World, networks: Fake) -> None:
    amina = somebody(town)
    connected(town, amina, "spotify")
    networks.revoke("spotify")
    with clock.shifted(timedelta(hours=1)):
        pass_by(town)
    (account,) = listed(town, amina)
    assert account["isConnected"] is False
    connected(town, amina, "spotify")
    (account,) = listed(town, amina)
    assert account["isConnected"] is True
    networks.revoke("spotify")
    with clock.shifted(timedelta(hours=1)):
        pass_by(town)
    town.delete(f"{ACCOUNTS}/{account['id']}", amina)  # there is nothing left to revoke
    town.drain()
    assert rows(town)["connections"] == 0


@pytest.mark.parametrize("fault", ["down", "html"])
def test_a_network_that_does_not_answer_is_asked_again(town: World, networks: Fake, fault: str) -> None:
    natively(town, "tiktok")
    networks.fault = fault
    with clock.shifted(timedelta(minutes=105)):
        pass_by(town)
        assert state(town) == (True, True, True)
        networks.fault = None
        pass_by(town)
        assert len(networks.grants[0].access) == 1, "not at once"
    with clock.shifted(timedelta(minutes=116)):
        pass_by(town)
    assert len(networks.grants[0].access) == 2


def test_a_token_that_nothing_renews_ends_with_its_time(town: World, networks: Fake) -> None:
    natively(town, "youtube")
    town.sql("UPDATE connections SET refresh_after = NULL, refresh_token = '' RETURNING 1")
    with clock.shifted(timedelta(minutes=59)):
        pass_by(town)
        assert state(town)[0] is True
    with clock.shifted(timedelta(minutes=61)):
        pass_by(town)
        assert state(town)[0] is False


@pytest.mark.rule("sioree:R21")
def test_apple_music_is_looked_at_each_week(town: World, networks: Fake) -> None:
    amina = town.person()
    token = networks.music_token()
    assert town.put(f"{NATIVE}/apple_music", amina, {"music_user_token": token}).status_code == 200
    with clock.shifted(8 * DAY):
        pass_by(town)
        assert state(town) == (True, True, False)
    networks.music_tokens.clear()
    with clock.shifted(16 * DAY):
        pass_by(town)
    assert state(town) == (False, False, False)


# ---- at once


def renewals(city: World, connection_id: str, many: int = 6) -> None:
    async def run() -> None:
        with clock.shifted(timedelta(minutes=105)):
            work = (handlers.renew(city.app, Renewal(UUID(connection_id))) for _ in range(many))
            await asyncio.gather(*work)

    city.go(run())


def test_of_many_at_once_one_renews(city: World, networks: Fake) -> None:
    connection_id = natively(city, "tiktok")
    asked = networks.asked.count("/tiktok/v2/oauth/token/")
    renewals(city, connection_id)
    assert networks.asked.count("/tiktok/v2/oauth/token/") == asked + 1
    assert state(city) == (True, True, True) and not networks.grants[0].over


def test_control_without_the_claim_a_spent_token_ends_everything(
    city: World, networks: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection_id = natively(city, "tiktok")
    loose = store.CLAIM.sql.replace("AND (claimed_until IS NULL OR claimed_until <= $2)", "")
    loose = loose.replace("AND is_connected AND refresh_after <= $2", "AND $2::timestamptz IS NOT NULL")
    assert loose != store.CLAIM.sql
    monkeypatch.setattr(store, "CLAIM", Query(store.Row, loose))
    networks.fault, networks.faulty = "slow", "/tiktok/v2/oauth/token"

    async def run() -> None:
        """Both have read the same token before one of them is answered."""
        work = [
            asyncio.ensure_future(handlers.renew(city.app, Renewal(UUID(connection_id)))) for _ in range(2)
        ]
        while True:
            if networks.asked.count("/tiktok/v2/oauth/token/") >= 3:
                break
            await asyncio.sleep(0.01)
        networks.release.set()
        await asyncio.gather(*work)

    with clock.shifted(timedelta(minutes=105)):
        city.go(run())
    assert networks.grants[0].over


def test_removing_while_a_token_is_renewed_leaves_no_token_behind(city: World, networks: Fake) -> None:
    amina = somebody(city)
    connection_id = connected(city, amina, "tiktok")["id"]
    networks.fault, networks.faulty = "slow", "/tiktok/v2/oauth/token"
    networks.entered.clear()

    async def run() -> int:
        work = asyncio.ensure_future(service.refresh(city.app, Me.system, UUID(connection_id)))
        while not networks.entered.is_set():
            assert not work.done(), work
            await asyncio.sleep(0.01)
        removed = await city.http.delete(f"{ACCOUNTS}/{connection_id}", headers=amina.auth)
        networks.release.set()
        await work
        return removed.status_code

    city.sql("UPDATE connections SET refresh_after = now() - interval '1 day' RETURNING 1")
    assert city.go(run()) == 200
    city.drain()
    assert networks.grants[0].over
    assert rows(city) == {"connection_attempts": 0, "connections": 0, "connection_revocations": 0}


# ---- leaving


@pytest.mark.rule("sioree:R23")
def test_whoever_leaves_takes_back_what_was_allowed(town: World, networks: Fake) -> None:
    amina = town.person("Amina")
    here = through(town, amina, AUDIENCE)
    for platform in ("tiktok", "youtube", "spotify"):
        connected(town, here, platform)
    leave(town, amina)
    nights(town, 31)
    assert {grant.network: grant.over for grant in networks.grants} == {
        "tiktok": True,
        "youtube": True,
        "spotify": False,  # has no address for it; its token is forgotten
    }
    assert rows(town) == {"connection_attempts": 0, "connections": 0, "connection_revocations": 0}


def test_whoever_leaves_in_the_middle_is_not_connected(town: World, networks: Fake) -> None:
    """The account is deleted while the network is asked."""
    amina = town.person("Amina")
    made = town.post(f"{NATIVE}/tiktok/attempts", amina).json()
    told = landed(town, allowed(made["url"]))
    town.sql("UPDATE users SET deleted_at = now() WHERE id = $1 RETURNING 1", amina.id)
    with pytest.raises(NotFound):
        town.go(service.connect(town.app, amina.me, "tiktok", told["code"], told["state"]))
    town.drain()
    assert networks.grants[0].over and rows(town)["connections"] == 0
