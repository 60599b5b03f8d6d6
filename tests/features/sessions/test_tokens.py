"""Access tokens: what they hold, how long they live, and that none can be made up."""

import hmac
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import jwt
import msgspec
import pytest

from majlis import main
from majlis import settings as configuration
from majlis.kit import clock, crypto, ids
from majlis.kit.bus import MemoryBus
from majlis.kit.tokens import BadToken, Expired, Gate, Seen, Signer
from tests.features.identity.accounts import AUTH, bearer, code, login, refresh, register, status
from tests.features.queries import counted
from tests.world import SECRET, World

KEY = crypto.derive(SECRET, "access-token")
OTHER = crypto.derive("another-secret-key-0123456789-0123456789", "access-token")


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def made(token: str, key: bytes = KEY, **changes: Any) -> str:
    """A token like this one with other claims (None leaves one out), signed with a key."""
    claims = {name: value for name, value in {**claims_of(token), **changes}.items() if value is not None}
    headers = {"kid": jwt.get_unverified_header(token)["kid"]}
    return jwt.encode(claims, key, headers=headers)


def with_header(token: str, header: bytes) -> str:
    return ".".join([crypto.b64(header), *token.split(".")[1:]])


def signed_otherwise(token: str, algorithm: str, digest: str) -> str:
    """The same claims under our own key by another algorithm."""
    header = crypto.b64(msgspec.json.encode({**jwt.get_unverified_header(token), "alg": algorithm}))
    body = f"{header}.{token.split('.')[1]}"
    return f"{body}.{crypto.b64(hmac.digest(KEY, body.encode(), digest))}"


@pytest.mark.rule("hamsaya:26", "hamsaya:27", "hamsaya:32")
@pytest.mark.rule("afrochat:R3")
def test_what_an_access_token_holds(world: World) -> None:
    before = int(time.time())
    body = register(world).json()
    claims = claims_of(body["access_token"])
    assert {"user_id", "email", "aal", "iat", "exp", "iss"} <= claims.keys()
    assert (claims["iss"], claims["aal"]) == ("hamsaya", 1)
    assert (claims["user_id"], claims["email"]) == (body["user"]["id"], body["user"]["email"])
    assert claims["exp"] - claims["iat"] == 900 == body["expires_in"]
    assert before <= claims["iat"] <= time.time()
    assert UUID(claims["sid"]) == world.sql("SELECT id FROM user_sessions")[0]["id"]
    assert claims["jti"]
    assert jwt.get_unverified_header(body["access_token"]).keys() == {"alg", "typ", "kid"}


@pytest.mark.rule("hamsaya:27")
@pytest.mark.rule("afrochat:R4")
def test_an_access_token_lives_15_minutes(world: World) -> None:
    amina = world.person("Amina")
    with clock.shifted(timedelta(seconds=895)):
        assert status(world, amina.token) == 200
    # Also for a process that has just seen it.
    with clock.shifted(timedelta(seconds=901)):
        answer = world.get("/api/v1/users/me", amina)
        assert (answer.status_code, code(answer)) == (401, "bad_token")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


FORGERIES: dict[str, Callable[[str], str]] = {
    "nothing": lambda token: "",
    "no token": lambda token: "nonsense",
    "empty parts": lambda token: "..",
    "two parts": lambda token: token.rpartition(".")[0],
    "four parts": lambda token: token + ".x",
    "no signature": lambda token: token.rpartition(".")[0] + ".",
    "another signature": lambda token: token.rpartition(".")[0] + "." + made(token, OTHER).rpartition(".")[2],
    "no algorithm": lambda token: jwt.encode(
        claims_of(token), None, "none", headers={"kid": jwt.get_unverified_header(token)["kid"]}
    ),
    "NONE": lambda token: with_header(token.rpartition(".")[0] + ".", b'{"alg":"NONE","kid":"x"}'),
    "another key": lambda token: made(token, OTHER),
    "the secret itself as key": lambda token: made(token, SECRET.encode()),
    "HS512": lambda token: signed_otherwise(token, "HS512", "sha512"),
    "HS384": lambda token: signed_otherwise(token, "HS384", "sha384"),
    "an algorithm of keys in pairs": lambda token: signed_otherwise(token, "RS256", "sha256"),
    "no algorithm, but signed": lambda token: signed_otherwise(token, "none", "sha256"),
    "HS512 in the header only": lambda token: with_header(
        token, msgspec.json.encode({**jwt.get_unverified_header(token), "alg": "HS512"})
    ),
    "an unknown key id": lambda token: jwt.encode(claims_of(token), KEY, headers={"kid": "x"}),
    "no key id": lambda token: jwt.encode(claims_of(token), KEY),
    "a key id that is no text": lambda token: with_header(token, b'{"alg":"HS256","kid":["x"]}'),
    "a header that is no object": lambda token: with_header(token, b"[]"),
    "a deep header": lambda token: with_header(token, b'{"kid":' + b"[" * 1500 + b"]" * 1500 + b"}"),
    "an unknown extension": lambda token: with_header(
        token, msgspec.json.encode({**jwt.get_unverified_header(token), "crit": ["x"]})
    ),
    "another issuer": lambda token: made(token, iss="majlis"),
    "no issuer": lambda token: made(token, iss=None),
    "no expiry": lambda token: made(token, exp=None),
    "an expiry that is no number": lambda token: made(token, exp="never"),
    "no time of issue": lambda token: made(token, iat=None),
    "no id": lambda token: made(token, jti=None),
    "no session": lambda token: made(token, sid=None),
    "a session that is no id": lambda token: made(token, sid="1"),
    "a session of another type": lambda token: made(token, sid=["1"]),
    "an audience": lambda token: made(token, aud="others"),
    "not yet valid": lambda token: made(token, nbf=time.time() + 1_000_000),
    "another payload": lambda token: ".".join(
        [token.split(".")[0], made(token, OTHER, user_id=str(ids.new())).split(".")[1], token.split(".")[2]]
    ),
    "as long as a book": lambda token: token + "A" * 60_000,
    "long and signed": lambda token: made(token, padding="x" * 8000),
    "no ASCII": lambda token: token.replace(".", "٫"),
}


@pytest.mark.rule("hamsaya:26", "hamsaya:6")
@pytest.mark.parametrize("kind", FORGERIES)
@pytest.mark.rule("afrochat:R3", "afrochat:R5")
def test_no_token_can_be_made_up(world: World, kind: str) -> None:
    amina = world.person("Amina")
    world.app.gate.seen.clear()
    forged = FORGERIES[kind](amina.token).encode()
    with counted(world) as statements:
        answer = world.get("/api/v1/users/me", headers={b"Authorization": b"Bearer " + forged})
    assert answer.status_code == 401
    assert statements == [], "the database is not asked about what was never signed"
    assert status(world, amina.token) == 200


@pytest.mark.rule("hamsaya:26")
@pytest.mark.parametrize("scheme", ["Basic {}", "{}", "Token {}", "Bearer{}"])
@pytest.mark.rule("afrochat:R5")
def test_only_bearer_tokens_count(world: World, scheme: str) -> None:
    amina = world.person("Amina")
    headers = {"Authorization": scheme.format(amina.token)}
    assert world.get("/api/v1/users/me", headers=headers).status_code == 401
    assert (
        world.get("/api/v1/users/me", headers={"Authorization": f"bearer {amina.token}"}).status_code == 200
    )


@pytest.mark.rule("hamsaya:26")
def test_the_session_decides_and_not_what_else_the_token_says(world: World) -> None:
    """Address and level in a token are for older clients; even one that we signed decides nothing by them."""
    amina, karim = world.person("Amina"), world.person("Karim")
    token = made(amina.token, user_id=str(karim.id), email=karim.email, aal=2, role="admin")
    assert world.get("/api/v1/users/me", headers=bearer(token)).json()["id"] == str(amina.id)
    assert status(world, made(amina.token, sid=str(uuid4()))) == 401


@pytest.mark.rule("hamsaya:26")
def test_keys_are_rotated_without_signing_anybody_out(world: World) -> None:
    amina = world.person("Amina")
    new = "a-newer-secret-key-for-tests-0123456789"
    world.app.gate = Gate([new, SECRET], main.ISSUER, MemoryBus())
    assert status(world, amina.token) == 200
    fresh = refresh(world, amina.refresh_token).json()["access_token"]
    kids = [jwt.get_unverified_header(token)["kid"] for token in (amina.token, fresh)]
    assert kids[0] != kids[1]
    world.app.gate = Gate([new], main.ISSUER, MemoryBus())
    assert (status(world, amina.token), status(world, fresh)) == (401, 200)


GOOD = "k3J9-x_Qm2Lr8Vt5Yb7Nw1Zc4Hd6Sf0Ga"


@pytest.mark.rule("hamsaya:6")
@pytest.mark.parametrize(
    "key", ["", "changeme", "your-256-bit-secret", "x" * 40, "short-but-various-1234", f"{GOOD},changeme"]
)
def test_a_production_server_does_not_start_with_a_guessable_key(key: str) -> None:
    production = {
        "MAJLIS_MODE": "production",
        "MAJLIS_PUBLIC_URL": "https://majlis.example.org",
        "MAJLIS_MAIL_URL": "smtp://localhost",
    }
    with pytest.raises(configuration.BadSettings, match="MAJLIS_SECRET_KEY"):
        configuration.read({**production, "MAJLIS_SECRET_KEY": key})
    settings, _ = configuration.read({**production, "MAJLIS_SECRET_KEY": f"{GOOD}, {GOOD[::-1]}"})
    assert settings.secret_keys() == [GOOD, GOOD[::-1]]


def test_a_signer_tells_an_old_token_from_a_forged_one() -> None:
    signer = Signer([SECRET], main.ISSUER)
    now = clock.now()
    old = signer.sign({}, now - timedelta(minutes=20), now - timedelta(minutes=5))
    with pytest.raises(Expired):
        signer.verify(old)
    with pytest.raises(BadToken) as refused:
        signer.verify(old[:-5] + "AAAAA")
    assert not isinstance(refused.value, Expired)


def test_a_signature_is_checked_once_and_the_time_and_the_door_always(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    decoded: list[str] = []
    decode = jwt.decode

    def noted(token: str, *args: Any, **options: Any) -> Any:
        decoded.append(token)
        return decode(token, *args, **options)

    monkeypatch.setattr(jwt, "decode", noted)
    gate = Gate([SECRET], main.ISSUER, MemoryBus())
    now = clock.now()
    token = gate.signer.sign({"sid": "s"}, now, now + timedelta(minutes=15), "x18")
    for _ in range(2):
        claims = gate.signer.verify(token, "x18")
        assert claims["sid"] == "s"
        with pytest.raises(TypeError):
            claims["sid"] = "another"  # type: ignore[index]
    assert decoded == [token]
    for wrong, door in ((token, ""), (token, "sioree"), (token[:-5] + "AAAAA", "x18")):
        for _ in range(2):
            with pytest.raises(BadToken):
                gate.signer.verify(wrong, door)
    with clock.shifted(timedelta(minutes=16)), pytest.raises(Expired):
        gate.signer.verify(token, "x18")
    assert len(decoded) == 7, "what was refused is not remembered"

    once = gate.refresher.sign({}, now, now + timedelta(days=1))
    for _ in range(2):
        gate.refresher.verify(once)
    assert len(decoded) == 9, "a refresh token comes once"


@pytest.mark.rule("hamsaya:31")
def test_a_token_costs_one_query_and_none_when_it_was_just_seen(world: World) -> None:
    amina = world.person("Amina")
    world.app.gate.seen.clear()

    def asked(minutes: float) -> int:
        with clock.shifted(timedelta(minutes=minutes)), counted(world) as statements:
            assert (
                world.post(f"{AUTH}/logout", json={"refresh_token": 7}, headers=amina.auth).status_code == 422
            )
        return len(statements)

    # The route itself asks for nothing, as its body is wrong.
    assert [asked(minutes) for minutes in (0, 0, 0.9, 1.1, 1.2)] == [1, 0, 0, 1, 0]


def test_a_look_up_that_began_before_a_revocation_is_not_remembered() -> None:
    owner, seen = ids.new(), Seen[str](lambda: True)
    epoch = seen.epoch
    seen.forget(owner)  # the revocation comes while the answer of the database is on its way
    seen.put("token", "stale", owner, 0, 900, epoch)
    assert seen.get("token", 1) is None
    # Without the epoch the stale answer would count for a minute.
    seen.put("token", "stale", owner, 0, 900, seen.epoch)
    assert seen.get("token", 1) == "stale"


def test_what_is_remembered_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Seen, "SIZE", 100)
    seen, owner = Seen[int](lambda: True), ids.new()
    for number in range(1000):
        seen.put(f"token {number}", number, owner, number / 100, 900, seen.epoch)
    assert len(seen) == 100
    assert seen.get("token 999", 10) == 999
    seen.put("later", 0, owner, 200, 900, seen.epoch)
    seen.put("and later", 0, owner, 200, 900, seen.epoch)
    assert len(seen) == 98, "what is older than a minute makes way, two for one"
    seen.forget(owner)
    assert len(seen) == 0


@pytest.mark.parametrize(
    "now, expires, trusted, found",
    [(59.9, 900, True, True), (60.0, 900, True, False), (30.0, 30.0, True, False), (1.0, 900, False, False)],
)
def test_when_a_remembered_token_counts(now: float, expires: float, trusted: bool, found: bool) -> None:
    seen = Seen[str](lambda: trusted)
    seen.put("token", "me", ids.new(), 0, expires, seen.epoch)
    assert (seen.get("token", now) == "me") is found


@pytest.mark.rule("hamsaya:26")
def test_a_signed_in_caller_may_show_the_token_where_none_is_looked_at(world: World) -> None:
    amina = world.person("Amina")
    body = {"email": amina.email, "password": "Wrong-2026!"}
    answer = world.post(f"{AUTH}/login", json=body, headers=bearer("expired-or-forged"))
    assert code(answer) == "bad_credentials"
    assert login(world, amina.email).status_code == 200
