"""That recorded pairs can fail: an answer that is not what the app expects is told, whatever is wrong with it."""

import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.surfaces.compat.notation import contract
from tests.surfaces.compat.pairs import Differences, Pair, Request, Response
from tests.surfaces.compat.sioree.test_recorded import BOOK as SIOREE
from tests.surfaces.compat.starter.test_recorded import BOOK as STARTER
from tests.surfaces.compat.x18.test_recorded import BOOK as X18
from tests.world import World

ONE, OTHER = "a0000000-0000-4000-8000-000000000001", "a0000000-0000-4000-8000-000000000002"
HERE, THERE = "01a1ffd1-8125-74d0-84c3-ab7cf152b3bc", "01a1ffd1-8540-7742-a54f-ac72ef48e784"
TIME = "2026-03-21T09:30:00Z"
WRONG: dict[str, Callable[[dict[str, Any]], Any]] = {
    "body.bio_ is missing": lambda body: body.update(bio_=body.pop("bio")),
    "body.bio is not expected": lambda body: body.pop("bio"),
    "in place of 'somebody'": lambda body: body.update(username="somebody"),
    "body.posts_count: 0 in place of False": lambda body: body.update(posts_count=False),
    "body.id: ": lambda body: body.update(id="not-an-id"),
    "in place of None": lambda body: body.update(email=None),
}


def differences(wanted: Any, found: Any, **known: str) -> list[str]:
    pair = Pair("made up", Request("GET", "/"), Response(200))
    return [
        *Differences({name.replace("_", "-"): one for name, one in known.items()}, pair, {}).of(wanted, found)
    ]


@pytest.mark.parametrize("fault", WRONG)
def test_control_a_pair_that_is_not_what_the_server_answers_fails(world: World, fault: str) -> None:
    (pair, *_) = X18.recordings["users.me"].pairs
    body = dict(pair.response.body)
    WRONG[fault](body)
    with pytest.raises(AssertionError, match=re.escape(fault)):
        X18.play(world, "users.me", msgspec.structs.replace(pair, response=Response(200, body=body)))


def test_an_id_stands_for_one_and_the_same_everywhere() -> None:
    assert differences([ONE, ONE, f"/users/{ONE}"], [HERE, HERE, f"/users/{HERE}"]) == []
    assert differences([ONE, OTHER], [HERE, THERE]) == []
    assert differences([ONE, ONE], [HERE, THERE]), "one example, two ids"
    assert differences([ONE, OTHER], [HERE, HERE]), "two examples, one id"
    assert differences(ONE, "no id") and differences(ONE, None)


def test_what_is_compared_by_kind_is_still_compared() -> None:
    assert differences(TIME, "2031-01-01T00:00:00Z") == []
    assert differences(TIME, "2031-01-01T00:00:00.5Z"), "the app takes whole seconds"
    assert differences(TIME.replace("00Z", "00.5Z"), "2031-01-01T00:00:00Z") == []
    assert differences(TIME, "2031-01-01T00:00:00+00:00") and differences(TIME, 1924992000)
    assert differences("eyJ.a.b", "eyJhbGciOiJIUzI1NiJ9.e30.c2ln") == []
    assert differences("eyJ.a.b", "opaque")
    assert differences(1, True) and differences(0, None) and differences("1", 1) and differences([], [1])
    assert differences({"price": 25}, {"price": 25.0}) == []


def test_what_the_contract_does_not_say_is_no_recording() -> None:
    shape = {"id": "uuid", "kind": "enum(a|b)|null", "tags": ["string"], "count": "int", "at": "time"}
    good = {"id": ONE, "kind": None, "tags": ["x"], "count": 1, "at": TIME}
    faults = contract("x18").faults
    assert [*faults(good, shape)] == []
    for name, value in (
        ("kind", "c"),
        ("tags", [1]),
        ("tags", "x"),
        ("count", 1.5),
        ("at", "now"),
        ("at", None),
    ):
        assert [*faults({**good, name: value}, shape)], (name, value)
    assert [*faults({**good, "more": 1}, shape)] == ["body.more is too many"]
    for name in good:
        assert [*faults({key: good[key] for key in good if key != name}, shape)] == [
            f"body.{name} is missing"
        ]


@pytest.mark.parametrize("book", [X18, STARTER, SIOREE], ids=["x18", "starter", "sioree"])
def test_no_recording_can_be_forgotten(book: Any) -> None:
    whole = book.recordings
    try:
        for name, recording in whole.items():
            book.recordings = {other: one for other, one in whole.items() if other != name}
            assert [*book.faults()] == [f"{name} is not recorded"]
            refused = [pair for pair in recording.pairs if pair.response.status >= 400]
            if refused and name.startswith("auth."):
                kept = [pair for pair in recording.pairs if pair.response.status < 400]
                book.recordings = {**whole, name: msgspec.structs.replace(recording, pairs=kept)}
                assert any("is not recorded" in fault for fault in book.faults())
    finally:
        book.recordings = whole
