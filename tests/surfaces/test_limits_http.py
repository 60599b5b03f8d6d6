"""Rate limits as a client meets them."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from majlis import settings as configuration
from majlis.kit import limits
from majlis.kit.limits import API, Limit, Limiter
from tests.features.identity.accounts import AUTH, bearer, code, login, refresh, status
from tests.world import PASSWORD, Person, World

POSTS = "/api/v1/posts"
RATE = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
LIMITED = pytest.mark.settings(rate_limits="on")


def anonymous(world: World, times: int = 1, ip: str | None = None, **headers: str) -> list[int]:
    """What so many requests without a token are answered."""
    sent = {**headers, **({"X-Forwarded-For": ip} if ip else {})}
    return [world.get(POSTS, headers=sent).status_code for _ in range(times)]


def spend(world: World, limit: Limit, key: str, hits: int) -> None:
    """Hits of a limit that somebody has had already."""
    assert world.go(world.app.limiter.hit(limit, key, hits)).allowed


def rate(answer: httpx.Response) -> tuple[int, int, int]:
    """Limit, remaining and seconds to the reset, as the headers say; each stands there once."""
    for name in RATE:
        assert len(answer.headers.get_list(name)) == 1
    limit, remaining, reset = (int(answer.headers[name]) for name in RATE)
    return limit, remaining, reset


@LIMITED
@pytest.mark.rule("hamsaya:65", "hamsaya:67")
def test_an_address_without_a_token_has_20_requests_a_minute(world: World) -> None:
    answers = [world.get(POSTS) for _ in range(21)]
    assert [answer.status_code for answer in answers] == [200] * 20 + [429]
    assert [rate(answer)[:2] for answer in answers] == [(20, 19 - n) for n in range(20)] + [(20, 0)]
    refused = answers[-1]
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["Retry-After"] == refused.headers["X-RateLimit-Reset"]
    error = refused.json()["error"]
    assert (error["code"], error["details"]) == ("rate_limited", [])
    assert error["request_id"] == refused.headers["X-Request-ID"]
    assert "Retry-After" not in answers[0].headers


@LIMITED
@pytest.mark.rule("hamsaya:64", "hamsaya:67")
def test_an_address_without_a_token_has_100_requests_an_hour(world: World) -> None:
    spend(world, limits.IP, "127.0.0.1", 98)
    answers = [world.get(POSTS) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [rate(answer)[:2] for answer in answers] == [(100, 1), (100, 0), (100, 0)]
    assert 3500 < int(answers[-1].headers["Retry-After"]) <= 3600


@LIMITED
@pytest.mark.rule("hamsaya:61", "hamsaya:65", "hamsaya:67")
def test_an_account_has_1000_requests_an_hour_wherever_it_is(world: World) -> None:
    amina, karim = world.person("Amina"), world.person("Karim")
    assert [world.get(POSTS, amina).status_code for _ in range(30)] == [200] * 30, "not 20 a minute"
    assert rate(world.get(POSTS, amina))[:2] == (1000, 969)
    spend(world, API, str(amina.id), 968)
    assert rate(world.get(POSTS, amina))[:2] == (1000, 0)
    refused = world.get(POSTS, amina)
    assert (refused.status_code, rate(refused)[:2]) == (429, (1000, 0))
    assert 3500 < int(refused.headers["Retry-After"]) <= 3600
    assert world.get(POSTS, karim).status_code == 200
    assert anonymous(world) == [200]


@pytest.mark.settings(rate_limits="on", limits="api=100/60,burst=100/60,ip=100/60")
@pytest.mark.rule("afrochat:R6", "afrochat:D10")
def test_a_hundred_a_minute_for_an_account_and_for_an_address_can_be_set(world: World) -> None:
    amina, karim = world.person("Amina"), world.person("Karim")
    for who, others in ((amina, karim), (None, amina)):
        answers = [world.get(POSTS, who) for _ in range(101)]
        assert [answer.status_code for answer in answers] == [200] * 100 + [429]
        assert 0 < int(answers[-1].headers["Retry-After"]) <= 60
        if who is not None:
            assert world.get(POSTS, others).status_code == 200


@LIMITED
@pytest.mark.rule("hamsaya:61")
def test_every_session_of_an_account_counts_together(world: World) -> None:
    amina = world.person("Amina")
    other = login(world, amina.email).json()["access_token"]
    spend(world, API, str(amina.id), 999)
    assert [status(world, token) for token in (amina.token, other)] == [200, 429]


@LIMITED
@pytest.mark.rule("hamsaya:61", "hamsaya:67")
def test_what_is_refused_counts_and_is_told_too(world: World) -> None:
    amina = world.person("Amina")
    unknown = world.get(f"{POSTS}/00000000-0000-7000-8000-000000000000", amina)
    wrong = world.put("/api/v1/users/me", amina, json={"first_name": 7})
    forbidden = world.get("/api/v1/users/me")
    assert [answer.status_code for answer in (unknown, wrong, forbidden)] == [404, 422, 401]
    assert [rate(answer)[:2] for answer in (unknown, wrong, forbidden)] == [
        (1000, 999),
        (1000, 998),
        (20, 19),
    ]


@LIMITED
@pytest.mark.rule("hamsaya:65", "hamsaya:61")
def test_a_made_up_token_counts_as_none_and_an_old_one_does_not(world: World) -> None:
    amina = world.person("Amina")
    forged = [world.get(POSTS, headers=bearer(f"forged{number}")) for number in range(21)]
    assert [answer.status_code for answer in forged] == [401] * 20 + [429]
    assert rate(forged[0])[:2] == (20, 19)
    assert anonymous(world) == [429]
    assert world.get(POSTS, amina).status_code == 200
    assert world.post(f"{AUTH}/logout", amina).status_code == 204
    assert world.get(POSTS, amina).status_code == 401, "a token that has ended is no attack"


@LIMITED
@pytest.mark.rule("hamsaya:67")
@pytest.mark.parametrize(
    "path", ["/health", "/health/live", "/health/ready", "/metrics", "/docs", "/media/none.webp", "/"]
)
def test_what_is_not_the_api_is_exempt(world: World, path: str) -> None:
    assert anonymous(world, 21)[-1] == 429
    answers = [world.get(path) for _ in range(25)]
    assert 429 not in {answer.status_code for answer in answers}
    assert not any(name in answers[0].headers for name in RATE)


@pytest.mark.settings(rate_limits="off")
def test_switched_off_nothing_is_counted(world: World) -> None:
    amina = world.person("Amina")
    assert anonymous(world, 25) == [200] * 25
    wrong = [login(world, amina.email, "Wrong-2026!").status_code for _ in range(6)]
    assert wrong == [401] * 5 + [423]
    assert not any(name in world.get(POSTS).headers for name in RATE)


ATTEMPTS: dict[str, dict[str, Any]] = {
    "login": {"email": "{}", "password": "Wrong-2026!"},
    "register": {"email": "{}", "password": PASSWORD},
    "forgot-password": {"email": "{}"},
    "resend-verification": {"email": "{}"},
    "reset-password": {"token": "made-up", "new_password": "Herat-2026!"},
    "verify-email": {"token": "made-up"},
}


@LIMITED
@pytest.mark.rule("hamsaya:60", "hamsaya:67")
@pytest.mark.parametrize("path", ATTEMPTS)
def test_five_attempts_in_15_minutes(world: World, path: str) -> None:
    amina = world.person("Amina")
    body = {name: value.format(amina.email) for name, value in ATTEMPTS[path].items()}
    answers = [world.post(f"{AUTH}/{path}", json=body) for _ in range(6)]
    statuses = [answer.status_code for answer in answers]
    assert len(set(statuses[:5])) == 1
    assert statuses[0] in (202, 400, 401, 409)
    assert statuses[5] == 429
    refused = answers[-1]
    assert code(refused) == "rate_limited"
    assert rate(refused)[:2] == (5, 0), "the limit that was met, not the one of all requests"
    assert 800 < int(refused.headers["Retry-After"]) <= 900


@LIMITED
@pytest.mark.rule("hamsaya:60")
def test_five_attempts_to_change_the_password(world: World) -> None:
    amina, karim = world.person("Amina"), world.person("Karim")

    def attempt(who: Person) -> int:
        body = {"current_password": "Wrong-2026!", "new_password": "Herat-2026!"}
        return world.post(f"{AUTH}/change-password", who, json=body).status_code

    assert [attempt(amina) for _ in range(6)] == [401] * 5 + [429]
    assert attempt(karim) == 401


@pytest.mark.settings(rate_limits="on", trusted_proxies="127.0.0.1")
@pytest.mark.rule("hamsaya:60")
def test_attempts_count_per_address_of_both_kinds(world: World) -> None:
    amina, karim = world.person("Amina"), world.person("Karim")

    def attempt(email: str, ip: str) -> int:
        body = {"email": email, "password": "Wrong-2026!"}
        return world.post(f"{AUTH}/login", json=body, headers={"X-Forwarded-For": ip}).status_code

    spellings = [amina.email, amina.email.upper(), f" {amina.email} ", amina.email, amina.email.title()]
    assert [attempt(email, "203.0.113.1") for email in spellings] == [401] * 5
    assert attempt(amina.email, "203.0.113.1") == 429
    assert attempt(karim.email, "203.0.113.1") == 401
    assert attempt(amina.email, "203.0.113.2") == 401


@LIMITED
@pytest.mark.rule("hamsaya:60", "hamsaya:59")
def test_the_limit_comes_before_the_lock(world: World) -> None:
    amina = world.person("Amina")
    statuses = [login(world, amina.email, "Wrong-2026!").status_code for _ in range(5)]
    assert [*statuses, login(world, amina.email).status_code] == [401] * 5 + [429]
    (row,) = world.sql("SELECT locked_until > now() AS locked FROM login_failures")
    assert row == {"locked": True}


@LIMITED
@pytest.mark.rule("hamsaya:65")
def test_a_forwarded_address_of_a_stranger_is_not_believed(world: World) -> None:
    statuses = [anonymous(world, ip=f"203.0.113.{number}")[0] for number in range(21)]
    assert statuses == [200] * 20 + [429]


@pytest.mark.settings(rate_limits="on", trusted_proxies="127.0.0.0/8, 10.0.0.0/8")
@pytest.mark.rule("hamsaya:65")
def test_behind_a_trusted_proxy_the_clients_address_counts(world: World) -> None:
    assert anonymous(world, 21, ip="203.0.113.1")[-1] == 429
    assert anonymous(world, ip="203.0.113.2") == [200]
    # What the client itself has written stands to the left and is not believed.
    assert anonymous(world, ip="198.51.100.7, 203.0.113.1") == [429]
    assert anonymous(world, ip="203.0.113.1, 10.1.2.3") == [429]
    # A subscriber of IPv6 holds a /64, and is one.
    assert anonymous(world, 20, ip="2001:db8::1") == [200] * 20
    assert anonymous(world, ip="2001:db8::ffff") == [429]
    assert anonymous(world, ip="2001:db8:0:1::1") == [200]
    assert anonymous(world, ip="::ffff:203.0.113.1") == [429], "the same address in IPv6"


@pytest.mark.settings(
    rate_limits="on", trusted_proxies="127.0.0.1", rate_limit_exempt="203.0.113.0/24, 2001:db8::/32"
)
@pytest.mark.rule("hamsaya:64", "hamsaya:65")
def test_networks_can_be_exempt(world: World) -> None:
    for ip in ("203.0.113.9", "2001:db8::5"):
        assert anonymous(world, 25, ip=ip) == [200] * 25
    assert anonymous(world, 21, ip="203.0.114.9")[-1] == 429
    amina = world.person("Amina")
    body = {"email": amina.email, "password": "Wrong-2026!"}
    headers = {"X-Forwarded-For": "203.0.113.9"}
    guesses = [world.post(f"{AUTH}/login", json=body, headers=headers).status_code for _ in range(6)]
    assert guesses == [401] * 5 + [429], "guessing is not exempt"


@pytest.mark.settings(rate_limits="on", limits="burst=2/60, api=3/3600,auth=1/900,post=1/60")
@pytest.mark.rule("hamsaya:60", "hamsaya:61", "hamsaya:63", "hamsaya:65")
def test_the_limits_are_settings(world: World) -> None:
    amina, karim = world.person("Amina"), world.person("Karim")
    refreshed = refresh(world, amina.refresh_token)
    assert rate(refreshed)[:2] == (2, 1)
    assert refresh(world, refreshed.json()["refresh_token"]).status_code == 429
    assert anonymous(world) == [429]
    assert [world.get(POSTS, karim).status_code for _ in range(4)] == [200, 200, 200, 429]
    written = [world.post(POSTS, amina, json={"type": "FEED", "description": "Bread"}) for _ in range(2)]
    assert [answer.status_code for answer in written] == [201, 429]
    assert rate(written[1])[:2] == (1, 0)


@pytest.mark.parametrize(
    "setting, found",
    [
        ("", {}),
        (" , ", {}),
        ("auth=7/60", {"auth": Limit("auth", 7, 60)}),
        (" burst = 2 / 60 , ip=1/1 ,", {"burst": Limit("burst", 2, 60), "ip": Limit("ip", 1, 1)}),
    ],
)
def test_limits_are_written_as_hits_per_seconds(setting: str, found: dict[str, Limit]) -> None:
    assert limits.overrides(setting) == found


def test_the_settings_documented_as_defaults_are_the_defaults() -> None:
    line = next(
        line for line in Path(".env.example").read_text().splitlines() if line.startswith("#MAJLIS_LIMITS=")
    )
    assert limits.overrides(line.partition("=")[2]) == limits.DEFAULTS


@pytest.mark.parametrize(
    "setting",
    [
        "auth",
        "auth=",
        "auth=5",
        "auth=5/",
        "auth=/900",
        "auth=0/900",
        "auth=5/0",
        "auth=-5/900",
        "auth=5.5/900",
        "auth=٥/900",
        "auth=1e3/900",
        "auth=5/900/1",
        "auth=999999999999/900",
        "auth=5/99999999",
        "login=5/900",
        "=5/900",
        "auth=5/900;api=1/1",
        "auth=5/900,auth=6/900",
    ],
)
def test_nonsense_keeps_the_server_from_starting(setting: str, tmp_path: Path) -> None:
    with pytest.raises(configuration.BadSettings, match="MAJLIS_LIMITS"):
        configuration.read({"MAJLIS_LIMITS": setting, "MAJLIS_DATA_DIR": str(tmp_path)})


@pytest.mark.parametrize("name", ["RATE_LIMIT_EXEMPT", "TRUSTED_PROXIES", "METRICS_NETWORKS"])
def test_networks_that_are_none_keep_the_server_from_starting(name: str, tmp_path: Path) -> None:
    values = {f"MAJLIS_{name}": "10.0.0.0/8,nowhere", "MAJLIS_DATA_DIR": str(tmp_path)}
    with pytest.raises(configuration.BadSettings, match=f"MAJLIS_{name}"):
        configuration.read(values)
    values[f"MAJLIS_{name}"] = "10.0.0.0/8, ::1"
    assert configuration.read(values)[0]


@LIMITED
@pytest.mark.rule("hamsaya:6", "hamsaya:61")
def test_the_baseline_holds_on_one_route(world: World) -> None:
    """Tokens, levels, limits and strict input on the way to the same handler."""
    amina = world.person("Amina")
    path, good = f"{AUTH}/change-password", {"current_password": PASSWORD, "new_password": "Herat-2026!"}
    assert world.post(path, json=good).status_code == 401
    assert world.post(path, json=good, headers=bearer(amina.token[:-4] + "AAAA")).status_code == 401
    assert world.post(path, amina, json={"current_password": 1}).status_code == 422
    assert (
        world.post(path, amina, content=b"{", headers={"Content-Type": "application/json"}).status_code == 400
    )
    world.sql("UPDATE users SET mfa_enabled = true WHERE id = $1", amina.id)
    world.app.gate.seen.clear()
    assert code(world.post(path, amina, json=good)) == "aal2_required"
    world.sql("UPDATE users SET mfa_enabled = false WHERE id = $1", amina.id)
    world.app.gate.seen.clear()
    spend(world, API, str(amina.id), 990)
    assert [world.get(POSTS, amina).status_code for _ in range(8)][-1] == 429
    assert world.post(path, amina, json=good).status_code == 429


@LIMITED
@pytest.mark.rule("hamsaya:66")
def test_the_window_slides(world: World) -> None:
    """Old requests leave one by one; a new minute does not bring 20 at once."""
    seconds = [0.0]
    world.app.limiter = Limiter(None, enabled=True, clock=lambda: seconds[0])
    assert anonymous(world, 10) == [200] * 10
    seconds[0] = 45.0
    assert anonymous(world, 11) == [200] * 10 + [429]
    seconds[0] = 61.0
    assert anonymous(world, 11) == [200] * 10 + [429]
