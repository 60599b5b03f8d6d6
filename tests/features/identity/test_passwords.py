"""What a password must be, how it is kept, and how it is changed."""

import asyncio
import unicodedata
from datetime import timedelta

import bcrypt
import pytest

from majlis.features.identity import service as identity
from majlis.features.identity.model import NoPassword, UsedPassword, WeakPassword
from majlis.kit import clock
from majlis.kit.me import Me
from tests.features.identity.accounts import (
    AUTH,
    bearer,
    code,
    fields,
    login,
    refresh,
    register,
    reset_token,
    status,
)
from tests.waiting import until_waiting
from tests.world import PASSWORD, Person, World


def change(world: World, who: Person, new: str, current: str = PASSWORD, **options: object) -> int:
    body = {"current_password": current, "new_password": new, **options}
    return world.post(f"{AUTH}/change-password", who, json=body).status_code


@pytest.mark.settings(bcrypt_cost=12)
@pytest.mark.rule("hamsaya:54")
@pytest.mark.rule("afrochat:D1")
def test_passwords_are_kept_as_bcrypt_of_cost_12(world: World) -> None:
    register(world)
    (row,) = world.sql(
        "SELECT u.password_hash, h.password_hash AS kept FROM users u JOIN password_history h ON h.user_id = u.id"
    )
    assert row["password_hash"].startswith("$2b$12$")
    assert row["kept"] == row["password_hash"]


@pytest.mark.rule("hamsaya:55", "hamsaya:57")
@pytest.mark.parametrize(
    "password, missing",
    [
        ("Aa1!aaa", "at least 8 characters"),
        ("aa1!aaaa", "an upper-case letter"),
        ("AA1!AAAA", "a lower-case letter"),
        ("Aab!aaaa", "a digit"),
        ("Aa1aaaaa", "a special character"),
        ("Aa1 aaaa", "a special character"),
        ("", "a digit, a special character"),
        ("کابل۱۴۰۵", "an upper-case letter, a lower-case letter"),
        ("Aa1!" + "x" * 69, "at most 72 bytes"),
        ("Aa1!" + "پ" * 35, "at most 72 bytes"),
    ],
)
def test_a_weak_password_is_refused_with_what_it_lacks(password: str, missing: str) -> None:
    with pytest.raises(WeakPassword) as refused:
        identity.check_strength(password, "new_password")
    (fault,) = refused.value.fields
    assert (refused.value.status, fault.field, fault.code) == (422, "new_password", "weak_password")
    assert missing in fault.message


@pytest.mark.rule("hamsaya:55", "hamsaya:57")
@pytest.mark.parametrize(
    "password",
    ["Aa1!aaaa", "Aa1!" + "x" * 68, "Aa1!" + "پ" * 34, "Ää1!öööö", "Aa1🕊aaaa", "Ағ۱؟аааа", " Aa1!aaaa "],
)
def test_a_password_may_have_any_script(password: str) -> None:
    identity.check_strength(password)


@pytest.mark.rule("hamsaya:55", "hamsaya:57")
@pytest.mark.parametrize(
    "path, field",
    [("register", "password"), ("reset-password", "new_password"), ("change-password", "new_password")],
)
@pytest.mark.parametrize("weak", ["weak", "Aa1!" + "x" * 69, "x" * 2000])
def test_every_door_asks_for_a_strong_one(world: World, path: str, field: str, weak: str) -> None:
    amina = world.person("Amina")
    body = {
        "register": {"email": "new@example.org", "password": weak},
        "reset-password": {"token": reset_token(world, amina), "new_password": weak},
        "change-password": {"current_password": PASSWORD, "new_password": weak},
    }[path]
    answer = world.post(f"{AUTH}/{path}", amina, json=body)
    assert (answer.status_code, fields(answer)) == (422, [field])
    assert login(world, amina.email).status_code == 200


@pytest.mark.rule("hamsaya:57")
def test_all_72_bytes_count_and_a_73rd_is_not_cut_off(world: World) -> None:
    longest = "Aa1!" + "x" * 68
    assert register(world, password=longest).status_code == 201
    assert login(world, "amina@example.org", longest[:-1] + "y").status_code == 401
    assert login(world, "amina@example.org", longest + "x").status_code == 401
    assert login(world, "amina@example.org", longest).status_code == 200


@pytest.mark.rule("hamsaya:54")
def test_a_password_is_the_same_from_every_keyboard(world: World) -> None:
    composed, decomposed = (unicodedata.normalize(form, "Café-2026!") for form in ("NFC", "NFD"))
    assert composed != decomposed
    register(world, password=decomposed)
    assert login(world, "amina@example.org", composed).status_code == 200
    assert login(world, "amina@example.org", decomposed).status_code == 200
    assert login(world, "amina@example.org", "Cafe-2026!").status_code == 401


@pytest.mark.rule("hamsaya:56")
def test_none_of_the_last_five_passwords_may_be_chosen_again(world: World) -> None:
    amina = world.person("Amina")
    me = Me(id=amina.id)

    async def choose(password: str) -> None:
        await identity.new_hash(world.app.db, me, amina.id, password, "new_password")
        quick = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()  # to compare with, many times
        async with world.app.db.tx() as tx:
            await identity.set_password(tx, me, amina.id, quick)

    for number in range(4):
        world.go(choose(f"Herat-{number}-x!"))
        assert len(world.sql("SELECT 1 FROM password_history")) == number + 2
    for used in (PASSWORD, *(f"Herat-{number}-x!" for number in range(4))):
        with pytest.raises(UsedPassword) as refused:
            world.go(choose(used))
        assert (refused.value.status, refused.value.fields[0].field) == (422, "new_password")
    world.go(choose("Herat-4-x!"))
    assert len(world.sql("SELECT 1 FROM password_history")) == 5
    world.go(choose(PASSWORD))


@pytest.mark.rule("hamsaya:56", "hamsaya:18")
def test_change_and_reset_refuse_the_present_password(world: World) -> None:
    amina = world.person("Amina")
    token = reset_token(world, amina)
    for path, body in (
        ("change-password", {"current_password": PASSWORD, "new_password": PASSWORD}),
        ("reset-password", {"token": token, "new_password": PASSWORD}),
    ):
        answer = world.post(f"{AUTH}/{path}", amina, json=body)
        assert (answer.status_code, code(answer), fields(answer)) == (
            422,
            "password_reused",
            ["new_password"],
        )
    assert status(world, amina.token) == 200


@pytest.mark.rule("hamsaya:31", "hamsaya:37")
def test_changing_the_password_ends_the_other_sessions(world: World) -> None:
    amina = world.person("Amina")
    other = login(world, amina.email).json()
    assert change(world, amina, "Herat-2026!") == 204
    assert status(world, amina.token) == 200
    assert status(world, other["access_token"]) == 401
    assert refresh(world, other["refresh_token"]).status_code == 401
    assert login(world, amina.email).status_code == 401
    assert login(world, amina.email, "Herat-2026!").status_code == 200
    world.drain()
    assert [letter.to for letter in world.mails() if "password was changed" in letter.subject] == [
        amina.email
    ]


def test_other_sessions_stay_when_the_owner_says_so(world: World) -> None:
    amina = world.person("Amina")
    other = login(world, amina.email).json()
    assert change(world, amina, "Herat-2026!", revoke_other_sessions=False) == 204
    assert status(world, other["access_token"]) == 200


def test_changing_needs_the_present_password(world: World) -> None:
    amina = world.person("Amina")
    body = {"current_password": "Wrong-2026!", "new_password": "Herat-2026!"}
    answer = world.post(f"{AUTH}/change-password", amina, json=body)
    assert (answer.status_code, code(answer)) == (401, "wrong_password")
    assert world.post(f"{AUTH}/change-password", json=body).status_code == 401
    assert fields(world.post(f"{AUTH}/change-password", amina, json={})) == [
        "current_password",
        "new_password",
    ]
    assert status(world, amina.token) == 200


@pytest.mark.rule("hamsaya:17")
def test_an_account_without_a_password_gets_its_first_by_mail(world: World) -> None:
    amina = world.person("Amina")
    world.sql("UPDATE users SET password_hash = NULL WHERE id = $1", amina.id)
    world.sql("DELETE FROM password_history")
    answer = world.post(
        f"{AUTH}/change-password", amina, json={"current_password": PASSWORD, "new_password": "Herat-2026!"}
    )
    assert (answer.status_code, code(answer)) == (409, "no_password")
    assert login(world, amina.email).status_code == 401
    body = {"token": reset_token(world, amina), "new_password": "Herat-2026!"}
    assert world.post(f"{AUTH}/reset-password", json=body).status_code == 204
    assert login(world, amina.email, "Herat-2026!").json()["user"]["has_password"] is True


@pytest.mark.parametrize(
    "path, body",
    [
        ("change-password", {"current_password": PASSWORD, "new_password": "Thief-2026!"}),
        ("login", {"password": PASSWORD}),
    ],
)
def test_what_began_before_a_reset_comes_too_late(clone: World, path: str, body: dict[str, str]) -> None:
    """Whoever knew the old password must not win over the owner, who is setting a new one by mail."""
    amina = clone.person("Amina")

    async def race() -> int:
        hashed = await identity.hash_password("Owner-2026!")
        async with clone.app.db.tx() as tx:
            await identity.set_password(tx, Me.system, amina.id, hashed)
            # Not committed: the old password still matches, and then they wait for the account.
            sent = {**body, **({"email": amina.email} if path == "login" else {})}
            asking = asyncio.ensure_future(clone.http.post(f"{AUTH}/{path}", json=sent, headers=amina.auth))
            await until_waiting(clone, 1, asking)
        return (await asking).status_code

    assert clone.go(race()) == 401
    assert len(clone.sql("SELECT 1 FROM user_sessions")) == 1
    assert login(clone, amina.email, "Owner-2026!").status_code == 200


def test_confirming_needs_a_password_to_confirm(world: World) -> None:
    amina = world.person("Amina")
    world.sql("UPDATE users SET password_hash = NULL WHERE id = $1", amina.id)
    with pytest.raises(NoPassword):
        world.go(identity.confirm_password(world.app.db, Me(id=amina.id), PASSWORD))


@pytest.mark.rule("hamsaya:21")
def test_the_latest_sign_in_is_recorded(world: World) -> None:
    amina = world.person("Amina")
    with clock.shifted(timedelta(minutes=10)):
        login(world, amina.email, "Wrong-2026!")
        before = world.sql("SELECT last_login_at FROM users")[0]["last_login_at"]
        answer = login(world, amina.email).json()
        after = world.sql("SELECT last_login_at FROM users")[0]["last_login_at"]
        shown = world.get("/api/v1/users/me", headers=bearer(answer["access_token"])).json()["last_login_at"]
    assert after - before > timedelta(minutes=9)
    assert shown == answer["user"]["last_login_at"]


# ---- the cost of what is kept


def kept(world: World, who: Person) -> list[str]:
    """The costs of somebody's password, as it is kept and remembered."""
    rows = world.sql(
        """SELECT password_hash FROM users WHERE id = $1
        UNION ALL SELECT password_hash FROM password_history WHERE user_id = $1""",
        who.id,
    )
    return [row["password_hash"][:7] for row in rows]


DOORS = ("/api/v1/auth/login", "/x18/api/auth/login", "/sioree/api/auth/login", "/starter/api/v1/auth/login")


@pytest.mark.settings(bcrypt_cost=5)
@pytest.mark.parametrize("path", DOORS)
def test_a_password_kept_at_a_lower_cost_is_kept_better_from_the_next_sign_in_on(
    world: World, path: str
) -> None:
    amina = world.person("Amina")
    assert kept(world, amina) == ["$2b$04$"] * 2
    body = {"email": amina.email, "password": "Wrong-2026!"}
    assert world.post(path, None, body).status_code == 401
    assert kept(world, amina) == ["$2b$04$"] * 2
    for _ in range(2):
        assert world.post(path, None, {**body, "password": PASSWORD}).status_code == 200
        assert kept(world, amina) == ["$2b$05$"] * 2
    assert change(world, amina, PASSWORD, PASSWORD) == 422, "it is still the one that was used"


def test_a_password_kept_at_a_higher_cost_stays(world: World) -> None:
    amina = world.person("Amina")
    world.go(_keep(world, amina, bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(5)).decode()))
    assert login(world, amina.email, PASSWORD).status_code == 200
    assert kept(world, amina)[0] == "$2b$05$"


async def _keep(world: World, who: Person, hashed: str) -> None:
    async with world.app.db.tx() as tx:
        await identity.set_password(tx, Me.system, who.id, hashed)


@pytest.mark.settings(bcrypt_cost=5)
@pytest.mark.parametrize("meanwhile, expected", [(None, [200, 200]), ("Owner-2026!", [401, 401])])
def test_sign_ins_at_once_all_count_unless_the_password_changes(
    clone: World, meanwhile: str | None, expected: list[int]
) -> None:
    """All found the weaker one: the first keeps it better, and the others see that it is the same password."""
    amina = clone.person("Amina")

    async def race() -> list[int]:
        async with clone.app.db.tx() as tx:
            if meanwhile is None:
                await tx.run("SELECT 1 FROM users WHERE id = $1 FOR UPDATE", amina.id)
            else:
                hashed = await identity.hash_password(meanwhile)
                await identity.set_password(tx, Me.system, amina.id, hashed)
            sent = {"email": amina.email, "password": PASSWORD}
            asking = [asyncio.ensure_future(clone.http.post(f"{AUTH}/login", json=sent)) for _ in range(2)]
            await until_waiting(clone, 2, *asking)
        return [(await one).status_code for one in asking]

    assert clone.go(race()) == expected
    assert set(kept(clone, amina)) >= {"$2b$05$"}
