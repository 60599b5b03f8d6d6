"""The small parts of the kit: cursors, keys, places, the clock, ids, logs, callers."""

import json
import math
import random
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from majlis.kit import clock, crypto, currencies, geo, ids, page
from majlis.kit.crypto import Sealer, Unsealable
from majlis.kit.errors import Forbidden, Malformed, Unauthenticated
from majlis.kit.geo import Point
from majlis.kit.http import access
from majlis.kit.me import Me

# ---- pages


@pytest.fixture(autouse=True)
def _key() -> None:
    page.configure("a-secret-key-for-tests-only-0123456789")


def test_cursors_come_back_as_they_went() -> None:
    values = (datetime(2026, 11, 21, 12, 30, 0, 123456, UTC), UUID(int=5), 1.5, "سلام")
    cursor = page.encode("posts", *values)
    assert page.decode("posts", cursor, tuple[datetime, UUID, float, str]) == values
    assert cursor.replace("-", "").replace("_", "").isalnum(), "safe in a query string"


def test_cursors_are_of_one_kind_of_list() -> None:
    with pytest.raises(Malformed) as refused:
        page.decode("comments", page.encode("posts", 1), tuple[int])
    assert refused.value.code == "bad_cursor"


def test_cursors_cannot_be_made_up_or_changed() -> None:
    cursor = page.encode("posts", 1)
    raw = crypto.unb64(cursor)
    changed = [crypto.b64(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]) for at in range(len(raw))]
    for bad in (*changed, "", "x", "!", cursor[:-2], cursor + "AA", "a" * 5000, "é"):
        with pytest.raises(Malformed):
            page.decode("posts", bad, tuple[int])
    page.configure("another-secret-key-0123456789-0123456789")
    with pytest.raises(Malformed):
        page.decode("posts", cursor, tuple[int])


def test_cursors_of_other_values_are_refused() -> None:
    """As after a release that changed what a cursor holds."""
    for values in ((), (1, 2), ("a",)):
        with pytest.raises(Malformed):
            page.decode("posts", page.encode("posts", *values), tuple[int])


# ---- keys


def test_sealed_values_open_in_their_place_only() -> None:
    sealer = Sealer({"k1": bytes(32)})
    sealed = sealer.seal(b"seed", "factors|secret|5")
    assert sealer.open(sealed, "factors|secret|5") == b"seed"
    assert b"seed" not in sealed.encode() and sealed.startswith("v1:k1:")
    assert sealer.seal(b"seed", "factors|secret|5") != sealed, "a nonce is never used twice"
    tampered = sealed[:-2] + ("AA" if sealed[-2:] != "AA" else "BB")
    for bad, place in (
        (sealed, "factors|secret|6"),
        (tampered, "factors|secret|5"),
        (sealed.replace("v1", "v2"), "factors|secret|5"),
        (sealed.replace("k1", "k9"), "factors|secret|5"),
        ("", "x"),
        ("v1:k1:", "x"),
        ("v1:k1:AAAA", "x"),
        ("v1:k1:é", "x"),
    ):
        with pytest.raises(Unsealable):
            sealer.open(bad, place)


def test_keys_are_rotated() -> None:
    old = Sealer({"k1": bytes(32)})
    both = Sealer({"k2": bytes([1] * 32), "k1": bytes(32)})
    sealed = old.seal(b"seed", "x")
    assert both.open(sealed, "x") == b"seed"
    renewed = both.seal(b"seed", "x")
    assert renewed.startswith("v1:k2:")
    with pytest.raises(Unsealable):
        old.open(renewed, "x")


def test_tokens_and_derived_keys() -> None:
    assert len({crypto.token() for _ in range(100)}) == 100
    assert len(crypto.unb64(crypto.token())) == 32
    assert len(crypto.digest("x")) == 32 and crypto.digest("x") != crypto.digest("y")
    keys = {crypto.derive(secret, purpose) for secret in ("a", "b") for purpose in ("cursor", "seal")}
    assert len(keys) == 4 and all(len(key) == 32 for key in keys)
    for data in (b"", b"a", b"ab", b"abc", bytes(range(256))):
        assert crypto.unb64(crypto.b64(data)) == data


# ---- places


def far(lat: float, lng: float, bearing: float, km: float) -> Point:
    """The point at this distance in this direction."""
    a, p, b = km / geo.EARTH_KM, math.radians(lat), math.radians(bearing)
    q = math.asin(max(-1.0, min(1.0, math.sin(p) * math.cos(a) + math.cos(p) * math.sin(a) * math.cos(b))))
    turn = math.atan2(math.sin(b) * math.sin(a) * math.cos(p), math.cos(a) - math.sin(p) * math.sin(q))
    return Point(math.degrees(q), (lng + math.degrees(turn) + 180) % 360 - 180)


def inside(point: Point, boxes: list[geo.Box]) -> bool:
    return any(box.south <= point.lat <= box.north and box.west <= point.lng <= box.east for box in boxes)


CENTERS = [
    (34.5, 69.2), (0.0, 0.0), (0.0, 180.0), (0.0, -180.0), (-17.7, 179.99), (66.0, -179.9), (89.95, 10.0),
    (-89.95, -170.0), (90.0, 0.0), (-90.0, 0.0), (89.0, 180.0), (71.0, 179.0),
]  # fmt: skip


@pytest.mark.parametrize("lat, lng", CENTERS)
@pytest.mark.parametrize("radius", [0.05, 10.0, 100.0, 900.0])
def test_boxes_hold_the_whole_circle(lat: float, lng: float, radius: float) -> None:
    chance = random.Random(f"{lat} {lng} {radius}")
    boxes = geo.boxes(Point(lat, lng), radius)
    assert 1 <= len(boxes) <= 2
    for box in boxes:
        assert -90 <= box.south <= box.north <= 90
        assert -180 <= box.west <= box.east <= 180
    for _ in range(400):
        point = far(lat, lng, chance.uniform(0, 360), radius * chance.choice((0.999999, chance.random())))
        assert geo.distance_km(Point(lat, lng), point) <= radius * 1.000001
        assert inside(point, boxes), (point, boxes)


@pytest.mark.parametrize("lat, lng", [(34.5, 69.2), (0.0, 180.0), (60.0, -179.9)])
def test_boxes_are_not_much_larger_than_the_circle(lat: float, lng: float) -> None:
    """Else a box of everything would pass the test above."""
    boxes = geo.boxes(Point(lat, lng), 10)
    for bearing in range(0, 360, 5):
        assert not inside(far(lat, lng, bearing, 15), boxes)


@pytest.mark.rule("hamsaya:112")
def test_distances() -> None:
    kabul, herat = Point(34.5553, 69.2075), Point(34.3529, 62.2040)
    assert geo.distance_km(kabul, herat) == pytest.approx(643.2, abs=1)
    assert geo.distance_km(Point(0, 179.5), Point(0, -179.5)) == pytest.approx(math.pi * 6371 / 180)
    assert geo.distance_km(Point(90, 0), Point(-90, 77)) == pytest.approx(math.pi * 6371)
    assert geo.distance_km(kabul, kabul) == 0
    for lat, lng in ((91, 0), (-91, 0), (0, 181), (0, -181), (math.nan, 0)):
        with pytest.raises(ValueError, match="lat must"):
            Point(lat, lng)


# ---- time and ids


def test_the_clock_can_be_moved_and_stopped() -> None:
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(minutes=1)
    with clock.shifted(timedelta(hours=2)):
        with clock.shifted(timedelta(hours=-1)):
            assert abs(clock.now() - datetime.now(UTC) - timedelta(hours=1)) < timedelta(minutes=1)
        with clock.frozen(datetime(2020, 1, 1, tzinfo=UTC)):
            assert clock.now() == clock.now() == datetime(2020, 1, 1, tzinfo=UTC)
        assert clock.now() - datetime.now(UTC) > timedelta(minutes=119)
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_ids_are_in_the_order_of_time() -> None:
    made = []
    for _ in range(50):
        made.append(ids.new())
        time.sleep(0.001)
    assert made == sorted(made) and len(set(made)) == 50
    assert {type(one) for one in made} == {UUID} and {one.version for one in made} == {7}
    assert abs(made[0].int >> 80) == pytest.approx(time.time() * 1000, abs=10_000)


def test_only_the_usual_spelling_is_an_id() -> None:
    made = ids.new()
    assert ids.parse(str(made)) == ids.parse(str(made).upper()) == made
    for bad in (
        "",
        "me",
        made.hex,
        "{" + str(made) + "}",
        "urn:uuid:" + str(made),
        "g" * 36,
        str(made) + " ",
    ):
        assert ids.parse(bad) is None


# ---- callers


def test_policies_admit_whom_they_name() -> None:
    user, strong = Me(id=UUID(int=1)), Me(id=UUID(int=1), mfa=True, aal=2)
    weak, moderator = Me(id=UUID(int=1), mfa=True), Me(id=UUID(int=1), role="moderator")
    admin = Me(id=UUID(int=1), role="admin")
    for policy in (access.none, access.optional, access.internal):
        policy.admit(Me.anonymous)
    for policy in (access.user, access.owner, access.strong, access.moderator, access.admin):
        with pytest.raises(Unauthenticated):
            policy.admit(Me.anonymous)
    access.strong.admit(user)
    access.strong.admit(strong)
    with pytest.raises(Forbidden) as refused:
        access.strong.admit(weak)
    assert refused.value.code == "aal2_required"
    access.moderator.admit(moderator)
    access.moderator.admit(admin)
    for policy, me in ((access.moderator, user), (access.admin, moderator)):
        with pytest.raises(Forbidden):
            policy.admit(me)


# ---- logs

LOGGING = """
import logging, sys
import msgspec
from majlis.kit import log
Login = msgspec.defstruct("Login", [("email", str), ("password", str)])
log.configure("debug", sys.argv[1])
logger = log.get("test")
canary = "canary-5f1c"
logger.info("login", password=canary, refresh_token=canary, Authorization=canary, api_secret=canary, cookie=canary)
logger.info("body", body={"password": canary, "deep": [{"access_token": canary}]})
logger.info("struct", login=Login("amina@example.org", canary))
logger.info("kept", status_code=200, code="bad_json", user="somebody", number=5)
try:
    raise ValueError("what went wrong")
except ValueError as error:
    logger.error("failed", exc_info=error)
logging.getLogger("library").warning("from a library")
logging.getLogger("library").info("too quiet")
logger.debug("سلام", other=object)
"""


def logged(format: str) -> str:
    done = subprocess.run([sys.executable, "-c", LOGGING, format], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("format", ["json", "text"])
def test_secrets_stay_out_of_logs(format: str) -> None:
    text = logged(format)
    assert "login" in text and "somebody" in text and "amina@example.org" in text
    assert "canary" not in text


def test_logs_are_one_json_object_a_line() -> None:
    lines = [json.loads(line) for line in logged("json").splitlines()]
    events = {line["event"]: line for line in lines}
    assert list(events) == ["login", "body", "struct", "kept", "failed", "from a library", "سلام"]
    assert all(line["level"] and line["timestamp"].endswith("Z") for line in lines)
    assert (events["kept"]["code"], events["kept"]["number"]) == ("bad_json", 5)
    assert "ValueError: what went wrong" in events["failed"]["exception"]
    assert events["from a library"]["logger"] == "library"


# ---- currencies


@pytest.mark.parametrize(
    "amount, currency, words",
    [
        (1250, "EUR", "12.50 EUR"),
        (5, "USD", "0.05 USD"),
        (-1250, "AFN", "-12.50 AFN"),
        (1250, "JPY", "1250 JPY"),
        (1250, "KWD", "1.250 KWD"),
        (99_999_999_999, "EUR", "999999999.99 EUR"),
        (0, "EUR", "0.00 EUR"),
    ],
)
def test_amounts_are_shown_as_people_read_them(amount: int, currency: str, words: str) -> None:
    assert currencies.shown(amount, currency) == words
