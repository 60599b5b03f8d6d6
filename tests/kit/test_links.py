"""Addresses that are good for a while."""

from datetime import UTC, datetime, timedelta

import pytest

from majlis.kit import clock, links

KEY, OLD, NEW = b"k" * 48, "an-old-secret-0123456789abcdefghij", "a-new-secret-0123456789abcdefghij"
PATH = "00000000-0000-4000-8000-000000000000/town.webp"
BASE = "https://town.example/media"
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def private(*secrets: str) -> links.Private:
    return links.Private(BASE, secrets or (NEW,), KEY)


def stored(path: str = PATH) -> bytes:
    return f"{links.SCHEME}{private().mark(path.encode()).decode()}/{path}".encode()


def parts(address: bytes) -> tuple[str, bytes]:
    """The path and the query of a signed address."""
    path, _, query = address.partition(b"?")
    return path.decode().removeprefix(BASE + "/p/"), query


def test_an_address_is_signed_where_it_stands_and_good_for_one_to_two_days() -> None:
    one = private()
    with clock.frozen(NOON):
        body = one.sign(b'[{"url":"' + stored() + b'"}]')
        address = body[9:-3]
        path, query = parts(address)
        assert path == PATH
        assert one.lifetime(path, query) == 36 * 3600
    for ahead, good in ((timedelta(hours=36, seconds=-1), True), (timedelta(hours=36), False)):
        with clock.frozen(NOON + ahead):
            assert (one.lifetime(path, query) is not None) == good


def test_an_address_stays_the_same_until_midnight() -> None:
    one = private()
    found = []
    for hour in (0, 12, 23, 24):
        with clock.frozen(NOON.replace(hour=0) + timedelta(hours=hour)):
            found.append(one.sign(stored()))
    assert found[0] == found[1] == found[2] != found[3]


def test_nothing_else_is_good() -> None:
    one = private()
    with clock.frozen(NOON):
        path, query = parts(one.sign(stored()))
        expires, signature = query.decode().removeprefix("e=").split("&s=")
        later, changed = (
            int(expires) + 1,
            signature[:-2] + ("A" if signature[-2] != "A" else "B") + signature[-1],
        )
        for wrong in (
            "", "e=", "s=", f"e={expires}", f"s={signature}", f"e={later}&s={signature}", f"e={expires}&s={changed}",
            f"e={expires}&s=", f"e=x&s={signature}", f"e={expires}&e={expires}&s={signature}", "e=1&s=\u00e9",
            f"e={expires}&s={signature[:-1]}", f"e={expires}&s=%ff", "e=" + "9" * 5000 + f"&s={signature}",
        ):  # fmt: skip
            assert one.lifetime(path, wrong.encode()) is None, wrong
        assert one.lifetime(path.replace("town", "gown"), query) is None
        assert one.lifetime(path, query) is not None


def test_only_addresses_with_their_mark_are_signed() -> None:
    """Else whoever knows a name would have it signed by saying it."""
    one = private()
    other = PATH.replace("town", "gown")
    mark = one.mark(PATH.encode()).decode()
    for typed in (
        f"{BASE}/p/{PATH}", f"{BASE}/{PATH}", f"{links.SCHEME}{'0' * 32}/{PATH}", f"{links.SCHEME}{mark}/{other}",
        f"{links.SCHEME}/{PATH}", f"{links.SCHEME}{mark.upper()}/{PATH}",
    ):  # fmt: skip
        assert one.sign(typed.encode()) == typed.encode()
    assert links.Private(BASE, [NEW], b"another").sign(stored()) == stored()


def test_a_secret_may_be_replaced() -> None:
    before = private(OLD)
    path, query = parts(before.sign(stored()))
    assert private(NEW, OLD).lifetime(path, query) is not None
    assert private(NEW).lifetime(path, query) is None
    assert private(NEW, OLD).sign(stored()) == private(NEW).sign(stored())


def test_bare_addresses_open_nothing() -> None:
    one = private()
    assert one.bare(b"see " + stored() + b".") == f"see {BASE}/p/{PATH}.".encode()
    assert one.lifetime(PATH, b"") is None


@pytest.mark.parametrize(
    "url, path",
    [
        (stored().decode(), PATH),
        (f"{BASE}/p/{PATH}?e=1&s=2", PATH),
        (f"{BASE}/p/{PATH}", PATH),
        (f"http://other.example:8080/a/b/p/{PATH}?e=1", PATH),
        (f"{BASE}/{PATH}", None),
        (f"{BASE}/{PATH}?e=1&s=2", None),
        (PATH, None),
        (f"/media/p/{PATH}", None),
        (f"{BASE}/?x=/p/{PATH}", None),
        ("", None),
    ],
)
def test_private_addresses_are_known_by_their_form(url: str, path: str | None) -> None:
    assert links.private_path(url) == path


def test_signatures_are_compared_with_every_key_and_the_clock() -> None:
    (one,) = links.signatures([OLD], "a purpose", "what")
    now = int(clock.now().timestamp())
    assert links.good([NEW, OLD], "a purpose", "what", one, now + 60)
    assert not links.good([NEW, OLD], "a purpose", "what", one, now - 1)
    assert not links.good([NEW, OLD], "another", "what", one, now + 60)
    assert not links.good([NEW], "a purpose", "what", one, now + 60)
