"""Sessions: opened, refreshed, listed, ended."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from majlis.features.sessions import handlers
from majlis.features.sessions import service as sessions
from majlis.features.sessions.model import BadAccess
from majlis.kit import clock, crypto
from majlis.kit.me import Me, Origin
from tests.features.identity.accounts import AUTH, bearer, code, fields, login, refresh, status
from tests.features.queries import counted
from tests.world import PASSWORD, Person, World

SESSIONS = f"{AUTH}/sessions"
DEVICE = {"model": "Pixel 9", "os": {"name": "Android", "version": 16}, "زبان": ["fa", "ps"]}


def listed(world: World, who: Person, **params: Any) -> dict[str, Any]:
    answer = world.get(SESSIONS, who, params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def open_more(world: World, who: Person, count: int) -> list[str]:
    """Further sessions of somebody; their access tokens."""

    async def run() -> list[str]:
        found = []
        for _ in range(count):
            async with world.app.db.tx() as tx:
                pair = await sessions.open_session(
                    world.app, tx, Me.system, who.id, Origin("127.0.0.1", "test"), None
                )
            found.append(pair.access_token)
        return found

    return world.go(run())


@pytest.mark.rule("hamsaya:35")
@pytest.mark.settings(trusted_proxies="127.0.0.1")
def test_a_session_keeps_where_it_came_from(world: World) -> None:
    amina = world.person("Amina")
    answer = world.post(
        f"{AUTH}/login",
        json={"email": amina.email, "password": PASSWORD, "device_info": DEVICE},
        headers={"X-Forwarded-For": "2001:db8::7", "User-Agent": "Hamsaya/1.2 (Android)"},
    ).json()
    (row,) = world.sql("SELECT * FROM user_sessions WHERE user_agent LIKE 'Hamsaya%'")
    assert row["refresh_token"] == crypto.digest(answer["refresh_token"])
    assert row["access_token_hash"] == crypto.digest(answer["access_token"])
    assert (str(row["ip_address"]), row["device_info"]) == ("2001:db8::7", DEVICE)
    assert (row["revoked"], row["revoked_at"], row["aal"]) == (False, None, 1)
    assert (
        timedelta(days=7) - timedelta(minutes=1) < row["expires_at"] - row["created_at"] <= timedelta(days=7)
    )
    shown = listed(world, amina)["data"][0]
    assert shown == {
        "id": str(row["id"]),
        "device_info": DEVICE,
        "ip_address": "2001:db8::",
        "user_agent": "Hamsaya/1.2 (Android)",
        "expires_at": shown["expires_at"],
        "created_at": shown["created_at"],
        "updated_at": shown["updated_at"],
        "last_used_at": shown["created_at"],
        "is_current": False,
    }


@pytest.mark.rule("hamsaya:36")
@pytest.mark.parametrize(
    "address, shown",
    [
        ("203.0.113.77", "203.0.113.0"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
        ("10.0.0.1/32", "10.0.0.0"),
        (None, None),
    ],
)
def test_the_list_shows_the_network_only(world: World, address: str | None, shown: str | None) -> None:
    amina = world.person("Amina")
    world.sql("UPDATE user_sessions SET ip_address = $1::text::inet", address)
    assert listed(world, amina)["data"][0]["ip_address"] == shown


@pytest.mark.rule("hamsaya:36")
def test_the_latest_use_is_noted_every_five_minutes_without_a_query_of_its_own(world: World) -> None:
    first = datetime(2026, 11, 22, 12, tzinfo=UTC)
    with clock.frozen(first):
        amina = world.person("Amina")
    world.app.gate.seen.clear()

    def used() -> Any:
        return world.sql("SELECT last_used_at FROM user_sessions")[0]["last_used_at"]

    with clock.frozen(first + timedelta(seconds=299)):
        assert (status(world, amina.token), used()) == (200, first)
    later = first + timedelta(seconds=301)
    with clock.frozen(later):
        world.app.gate.seen.clear()
        with counted(world) as statements:
            assert listed(world, amina)["data"][0]["last_used_at"] == later.isoformat().replace("+00:00", "Z")
        assert len(statements) == 2, "the look-up of the token, which notes the use, and the list"
        with counted(world) as statements:
            listed(world, amina)
        assert len(statements) == 1, "nothing is looked up again within a minute"


def test_the_first_use_of_a_day_is_noted_at_once(world: World) -> None:
    """Else who came only in its first minutes would not be among the active of that day."""
    midnight = datetime(2026, 11, 23, tzinfo=UTC)
    with clock.frozen(midnight - timedelta(seconds=90)):
        amina = world.person("Amina")
    world.app.gate.seen.clear()
    with clock.frozen(midnight + timedelta(seconds=1)):
        assert status(world, amina.token) == 200
    assert world.sql("SELECT last_used_at FROM user_sessions")[0]["last_used_at"] == midnight + timedelta(
        seconds=1
    )


@pytest.mark.parametrize("together", [True, False])
def test_tokens_that_come_together_are_looked_up_together(clone: World, together: bool) -> None:
    """Each caller is told of their own session, and every use is noted; the same as one after the other."""
    people = [clone.person(name) for name in ("Amina", "Bilal", "Karim", "Dawud")]
    amina, bilal, karim, dawud = people
    clone.sql("UPDATE user_sessions SET revoked = true WHERE user_id = $1", bilal.id)
    clone.sql("UPDATE users SET role = 'moderator' WHERE id = $1", karim.id)
    clone.sql("UPDATE user_sessions SET last_used_at = last_used_at - interval '1 hour'")
    clone.app.gate.seen.clear()
    tokens = [*(person.token for person in people), amina.token]

    async def told(token: str) -> tuple[UUID | None, str] | None:
        try:
            me = await sessions.authenticate(clone.app, token)
        except BadAccess:
            return None
        return me.id, me.role

    async def run() -> list[tuple[UUID | None, str] | None]:
        if together:
            return list(await asyncio.gather(*map(told, tokens)))
        return [await told(token) for token in tokens]

    expected = [(amina.id, "user"), None, (karim.id, "moderator"), (dawud.id, "user"), (amina.id, "user")]
    with counted(clone) as statements:
        assert clone.go(run()) == expected
    assert len(statements) == (1 if together else 4)
    fresh = clone.sql("SELECT user_id FROM user_sessions WHERE last_used_at > now() - interval '10 minutes'")
    assert {row["user_id"] for row in fresh} == {amina.id, karim.id, dawud.id}


def test_noting_the_use_waits_for_nobody(clone: World) -> None:
    amina = clone.person("Amina")

    async def held() -> int:
        async with clone.app.db.tx() as tx:
            await tx.records("SELECT 1 FROM user_sessions FOR UPDATE")
            clone.app.gate.seen.clear()
            with clock.shifted(timedelta(minutes=6)):
                answer = await asyncio.wait_for(clone.http.get("/api/v1/users/me", headers=amina.auth), 60)
            return answer.status_code

    assert clone.go(held()) == 200


@pytest.mark.rule("hamsaya:35")
def test_what_a_client_does_not_tell_is_null(world: World) -> None:
    amina = world.person("Amina")
    world.sql("DELETE FROM user_sessions")
    headers = {"User-Agent": ""}
    token = world.post(
        f"{AUTH}/login", json={"email": amina.email, "password": PASSWORD}, headers=headers
    ).json()
    (shown,) = world.get(SESSIONS, headers=bearer(token["access_token"])).json()["data"]
    assert (shown["device_info"], shown["user_agent"], shown["is_current"]) == (None, None, True)


@pytest.mark.rule("hamsaya:28", "hamsaya:29")
@pytest.mark.rule("afrochat:R4", "afrochat:D1")
def test_each_refresh_spends_its_token_and_lasts_seven_days_more(world: World) -> None:
    amina = world.person("Amina")
    week = timedelta(days=7)
    with clock.shifted(week):
        assert refresh(world, amina.refresh_token).status_code == 401
    with clock.shifted(week - timedelta(minutes=1)):
        first = refresh(world, amina.refresh_token)
        assert first.status_code == 200
        assert first.json().keys() == {"access_token", "refresh_token", "token_type", "expires_in"}
        assert (first.json()["token_type"], first.json()["expires_in"]) == ("Bearer", 900)
        assert first.json()["refresh_token"] != amina.refresh_token
        assert status(world, first.json()["access_token"]) == 200
    with clock.shifted(2 * week - timedelta(minutes=2)):
        assert refresh(world, first.json()["refresh_token"]).status_code == 200
    assert len(world.sql("SELECT 1 FROM user_sessions")) == 1


@pytest.mark.rule("hamsaya:30", "hamsaya:31")
def test_a_spent_refresh_token_ends_its_session(world: World) -> None:
    amina = world.person("Amina")
    (other,) = open_more(world, amina, 1)
    fresh = refresh(world, amina.refresh_token).json()
    assert status(world, fresh["access_token"]) == 200
    answer = refresh(world, amina.refresh_token)
    assert (answer.status_code, code(answer)) == (401, "bad_refresh_token")
    assert status(world, fresh["access_token"]) == 401
    assert refresh(world, fresh["refresh_token"]).status_code == 401
    assert status(world, other) == 200, "other sessions stay"


@pytest.mark.rule("hamsaya:30")
def test_a_token_spent_long_ago_still_ends_its_session(world: World) -> None:
    amina = world.person("Amina")
    token = amina.refresh_token
    for _ in range(3):
        token = refresh(world, token).json()["refresh_token"]
    assert refresh(world, amina.refresh_token).status_code == 401
    assert refresh(world, token).status_code == 401


@pytest.mark.rule("hamsaya:29", "hamsaya:30")
def test_of_refreshes_at_once_with_one_token_one_comes_through(clone: World) -> None:
    amina = clone.person("Amina")

    async def at_once() -> list[Any]:
        body = {"refresh_token": amina.refresh_token}
        return list(await asyncio.gather(*(clone.http.post(f"{AUTH}/refresh", json=body) for _ in range(6))))

    answers = clone.go(at_once())
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401, 401, 401]
    (won,) = [answer.json() for answer in answers if answer.status_code == 200]
    # Somebody else may have had the token: whoever won is signed out as well.
    assert status(clone, won["access_token"]) == 401
    assert clone.sql("SELECT revoked FROM user_sessions") == [{"revoked": True}]


@pytest.mark.rule("hamsaya:29", "hamsaya:37")
def test_a_sign_out_and_a_refresh_at_once_leave_nothing_open(clone: World) -> None:
    amina = clone.person("Amina")

    async def at_once() -> None:
        body = {"refresh_token": amina.refresh_token}
        await asyncio.gather(
            clone.http.post(f"{AUTH}/refresh", json=body),
            clone.http.post(f"{AUTH}/logout", json={}, headers=amina.auth),
        )

    clone.go(at_once())
    assert clone.sql("SELECT 1 FROM user_sessions WHERE NOT revoked") == []


@pytest.mark.rule("hamsaya:29")
@pytest.mark.parametrize("token", ["", "x", "x" * 43, "توکن"])
def test_an_unknown_refresh_token_is_refused(world: World, token: str) -> None:
    assert refresh(world, token).status_code == 401


def test_a_malformed_refresh_is_named(world: World) -> None:
    for body in ({}, {"refresh_token": None}, {"refresh_token": 7}, {"refresh_token": "x" * 201}):
        answer = world.post(f"{AUTH}/refresh", json=body)
        assert (answer.status_code, fields(answer)) == (422, ["refresh_token"])
    assert world.post(f"{AUTH}/refresh", content=b"{").status_code in (400, 415)


@pytest.mark.rule("afrochat:D1")
def test_an_access_token_is_no_refresh_token(world: World) -> None:
    amina = world.person("Amina")
    assert refresh(world, amina.token).status_code in (401, 422)
    assert status(world, amina.refresh_token) == 401


@pytest.mark.rule("hamsaya:31")
def test_what_was_revoked_stands_on_the_blacklist_until_it_would_have_expired(world: World) -> None:
    amina = world.person("Amina")
    fresh = refresh(world, amina.refresh_token).json()
    assert world.post(f"{AUTH}/logout", json={}, headers=bearer(fresh["access_token"])).status_code == 204
    rows = {row["token_hash"]: row for row in world.sql("SELECT * FROM token_blacklist")}
    assert rows.keys() == {
        crypto.digest(token) for token in (amina.refresh_token, fresh["access_token"], fresh["refresh_token"])
    }
    kept = {token: rows[crypto.digest(token)] for token in (amina.refresh_token, *list(fresh.values())[:2])}
    now = clock.now()
    lives = [row["expires_at"] - now for row in kept.values()]
    expected = [timedelta(days=7), timedelta(minutes=15), timedelta(days=7)]
    assert all(
        abs(life - wanted) < timedelta(minutes=1) for life, wanted in zip(lives, expected, strict=True)
    )
    assert [row["reason"] for row in kept.values()] == ["rotated", "signed out", "signed out"]
    for later, left in ((timedelta(minutes=14), 3), (timedelta(minutes=16), 2), (timedelta(days=8), 0)):
        with clock.shifted(later):
            world.go(handlers.purge(world.app))
        assert len(world.sql("SELECT 1 FROM token_blacklist")) == left


@pytest.mark.rule("hamsaya:31")
def test_ended_sessions_are_forgotten_after_a_month(world: World) -> None:
    world.person("Amina")
    for later, left in ((timedelta(days=36), 1), (timedelta(days=38), 0)):
        with clock.shifted(later):
            world.go(handlers.purge(world.app))
        assert len(world.sql("SELECT 1 FROM user_sessions")) == left


@pytest.mark.rule("hamsaya:31", "hamsaya:35")
def test_signing_out_ends_the_session_at_once(world: World) -> None:
    amina = world.person("Amina")
    (other,) = open_more(world, amina, 1)
    assert status(world, amina.token) == 200
    assert world.post(f"{AUTH}/logout", amina).status_code == 204
    assert status(world, amina.token) == 401
    assert refresh(world, amina.refresh_token).status_code == 401
    assert world.post(f"{AUTH}/logout", amina).status_code == 401
    assert status(world, other) == 200
    (row,) = world.sql("SELECT revoked_at FROM user_sessions WHERE revoked")
    assert row["revoked_at"] is not None


@pytest.mark.rule("hamsaya:37")
def test_a_refresh_token_at_sign_out_names_the_session_meant(world: World) -> None:
    amina, karim = world.person("Amina"), world.person("Karim")
    other = login(world, amina.email).json()
    sent = {"refresh_token": other["refresh_token"]}
    assert world.post(f"{AUTH}/logout", amina, json=sent).status_code == 204
    assert (status(world, other["access_token"]), status(world, amina.token)) == (401, 200)
    # Somebody else's names nothing that the caller could end.
    sent = {"refresh_token": karim.refresh_token}
    assert world.post(f"{AUTH}/logout", amina, json=sent).status_code == 204
    assert (status(world, karim.token), status(world, amina.token)) == (200, 401)


def test_signing_out_takes_null_for_absent(world: World) -> None:
    amina = world.person("Amina")
    assert world.post(f"{AUTH}/logout", amina, json={"refresh_token": None}).status_code == 204
    assert status(world, amina.token) == 401
    assert world.post(f"{AUTH}/logout").status_code == 401


@pytest.mark.rule("hamsaya:36")
def test_the_list_has_the_live_sessions_newest_first(world: World) -> None:
    amina, karim = world.person("Amina"), world.person("Karim")
    tokens = open_more(world, amina, 2)
    world.post(f"{AUTH}/logout", headers=bearer(tokens[0]))
    found = listed(world, amina)
    assert [item["is_current"] for item in found["data"]] == [False, True]
    assert found["data"][0]["created_at"] > found["data"][1]["created_at"]
    assert (found["next_cursor"], "total" in found) == (None, False)
    assert len(listed(world, karim)["data"]) == 1
    with clock.shifted(timedelta(minutes=14)):
        world.sql("UPDATE user_sessions SET expires_at = now() WHERE id <> $1", amina.me.session)
        assert [item["is_current"] for item in listed(world, amina)["data"]] == [True]
    assert world.get(SESSIONS).status_code == 401


@pytest.mark.rule("hamsaya:36")
def test_the_list_comes_in_pages(world: World) -> None:
    amina = world.person("Amina")
    open_more(world, amina, 6)
    everything = [item["id"] for item in listed(world, amina)["data"]]
    assert len(everything) == 7
    for limit in (1, 3, 7, 100):
        found, cursor = [], None
        while True:
            page = listed(world, amina, limit=limit, **({"cursor": cursor} if cursor else {}))
            found += [item["id"] for item in page["data"]]
            assert len(page["data"]) <= limit
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert found == everything
    second = listed(world, amina, limit=3, offset=3)
    assert ([item["id"] for item in second["data"]], second["total"]) == (everything[3:6], 7)


@pytest.mark.rule("hamsaya:36")
def test_a_page_is_one_query_however_long(world: World) -> None:
    amina = world.person("Amina")
    open_more(world, amina, 5)
    for params in ({"limit": 1}, {"limit": 100}):
        with counted(world) as statements:
            listed(world, amina, **params)
        assert len(statements) == 1


@pytest.mark.parametrize(
    "params, status_code",
    [({"cursor": "x"}, 400), ({"cursor": "AAAA"}, 400), ({"limit": 0}, 422), ({"limit": 101}, 422), ({"offset": -1}, 422)],
)  # fmt: skip
def test_a_bad_page_is_refused(world: World, params: dict[str, Any], status_code: int) -> None:
    amina = world.person("Amina")
    assert world.get(SESSIONS, amina, params=params).status_code == status_code


@pytest.mark.rule("hamsaya:36", "hamsaya:37")
def test_one_session_is_ended_by_its_id(world: World) -> None:
    amina, karim = world.person("Amina"), world.person("Karim")
    (token,) = open_more(world, amina, 1)
    other = listed(world, amina)["data"][0]["id"]
    assert world.delete(f"{SESSIONS}/{other}", karim).status_code == 404
    assert status(world, token) == 200
    answer = world.delete(f"{SESSIONS}/{other}", amina)
    assert (answer.status_code, answer.content) == (204, b"")
    assert status(world, token) == 401
    for gone in (other, str(uuid4()), "no-id"):
        assert world.delete(f"{SESSIONS}/{gone}", amina).status_code == 404
    assert world.delete(f"{SESSIONS}/{amina.me.session}", amina).status_code == 204
    assert status(world, amina.token) == 401


@pytest.mark.rule("hamsaya:36", "hamsaya:37")
@pytest.mark.parametrize(
    "keep, ended, own", [("", 4, 401), ("?keep_current=false", 4, 401), ("?keep_current=true", 3, 200)]
)
def test_all_sessions_are_ended_at_once(world: World, keep: str, ended: int, own: int) -> None:
    amina, karim = world.person("Amina"), world.person("Karim")
    tokens = open_more(world, amina, 3)
    assert [status(world, token) for token in tokens] == [200] * 3
    with counted(world) as statements:
        answer = world.delete(SESSIONS + keep, amina)
    assert (answer.status_code, answer.json()) == (200, {"revoked": ended})
    assert [status(world, token) for token in tokens] == [401] * 3
    assert (status(world, amina.token), status(world, karim.token)) == (own, 200)
    assert len([sql for sql in statements if "INSERT" not in sql]) == 1, "not one statement for each session"


def test_a_wrong_flag_is_named(world: World) -> None:
    answer = world.delete(f"{SESSIONS}?keep_current=perhaps", world.person("Amina"))
    assert (answer.status_code, fields(answer)) == (422, ["keep_current"])


@pytest.mark.rule("hamsaya:31")
def test_a_suspended_account_is_told_so_when_it_refreshes(world: World) -> None:
    amina = world.person("Amina")

    async def suspend(closed: bool) -> UUID:
        async with world.app.db.tx() as tx:
            return await sessions.suspend(world.app, tx, Me.system, amina.email, closed)

    assert world.go(suspend(True)) == amina.id
    assert status(world, amina.token) == 401
    for _ in range(2):
        answer = refresh(world, amina.refresh_token)
        assert (answer.status_code, code(answer)) == (403, "account_deactivated")
        world.drain()  # whoever reacts to the suspension changes nothing of that
    world.go(suspend(False))
    assert refresh(world, amina.refresh_token).status_code == 401, "the sessions stay ended"
    assert login(world, amina.email).status_code == 200


def test_a_role_counts_at_once(world: World) -> None:
    amina = world.person("Amina")

    async def role() -> tuple[str, str]:
        before = await sessions.authenticate(world.app, amina.token)
        async with world.app.db.tx() as tx:
            await sessions.set_role(world.app, tx, Me.system, amina.email, "moderator")
        return before.role, (await sessions.authenticate(world.app, amina.token)).role

    assert world.go(role()) == ("user", "moderator")


@pytest.mark.rule("hamsaya:30", "hamsaya:60")
@pytest.mark.settings(rate_limits="on")
def test_a_session_refreshes_five_times_in_a_quarter_of_an_hour(world: World) -> None:
    amina = world.person("Amina")
    token, statuses = amina.refresh_token, []
    for _ in range(6):
        answer = refresh(world, token)
        statuses.append(answer.status_code)
        token = answer.json().get("refresh_token", token)
    assert statuses == [200] * 5 + [429]
    # What was refused for its number was not spent.
    assert world.sql("SELECT revoked FROM user_sessions") == [{"revoked": False}]
    (other,) = open_more(world, amina, 1)
    assert status(world, other) == 200
