"""Requests and answers that were recorded once: what clients hold today still fits what the door declares."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from majlis.kit.http import Route
from majlis.surfaces.compat.starter.door import Starter
from majlis.surfaces.compat.starter.shapes import Error

RECORDED = json.loads((Path(__file__).parent / "fixtures" / "recorded.json").read_text())
GROUPS = {"auth", "account", "posts", "tasks", "notifications", "system"}
DOOR = Starter()
ROUTES: dict[str, Route] = {
    f"{route.method} {route.path}": route for api in DOOR.apis for route in api.routes if route.documented
}


def same(kind: Any, given: Any) -> None:
    """Decodes as this type, and holds nothing that is lost thereby."""
    assert json.loads(msgspec.json.encode(msgspec.convert(given, kind))) == given


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_what_was_recorded_still_fits(name: str) -> None:
    one, route = RECORDED[name], ROUTES[name]
    assert one["status"] == DOOR.success_status(route.status)
    same(DOOR.answer_type(route.returns), one["answer"])
    if one["body"] is not None:
        msgspec.convert(one["body"], route.body_type)
    if one["query"] is not None:
        msgspec.convert(one["query"], route.query_type, strict=False)


def test_every_operation_of_these_groups_was_recorded() -> None:
    pages = {"GET /docs/index.html"}  # not JSON
    assert {name for name, route in ROUTES.items() if route.api in GROUPS} - pages == set(RECORDED)


def test_what_does_not_fit_is_found() -> None:
    broken = {**RECORDED["GET /api/v1/auth/profile"]["answer"], "extra": 1}
    with pytest.raises(AssertionError):
        same(DOOR.answer_type(ROUTES["GET /api/v1/auth/profile"].returns), broken)
    with pytest.raises(msgspec.ValidationError):
        same(Error, broken)
