"""Reports about businesses."""

import pytest

from tests.features.businesses.trading import at, faults, opened
from tests.world import World


@pytest.mark.rule("hamsaya:97", "hamsaya:99")
def test_a_business_is_reported_once_while_the_report_is_open(world: World) -> None:
    amina, karim, bilal = world.person(), world.person(), world.person()
    business = opened(world, amina)
    path = at(business, "/report")
    first = world.post(path, karim, {"reason": " Fraud ", "additional_comments": "No bread"})
    assert first.status_code == 201
    report = first.json()
    assert set(report) == {
        "id", "user_id", "business_id", "reason", "additional_comments", "report_status", "created_at", "updated_at"
    }  # fmt: skip
    assert (report["business_id"], report["user_id"]) == (business["id"], str(karim.id))
    assert (report["reason"], report["report_status"]) == ("Fraud", "PENDING")
    again = world.post(path, karim, {"reason": "Spam"})
    assert (again.status_code, again.json()) == (200, report)
    assert world.post(path, bilal, {"reason": "Spam"}).status_code == 201
    world.sql("UPDATE business_reports SET report_status = 'DISMISSED' RETURNING 1")
    assert world.post(path, karim, {"reason": "Spam"}).status_code == 201


@pytest.mark.rule("hamsaya:97", "hamsaya:99")
def test_reports_are_refused_of_ones_own_and_without_a_reason(world: World) -> None:
    amina, karim = world.person(), world.person()
    business = opened(world, amina)
    path = at(business, "/report")
    refused = world.post(path, amina, {"reason": "Spam"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "own_content")
    for body in ({}, {"reason": " "}, {"reason": "x" * 101}, {"reason": None}):
        assert faults(world.post(path, karim, body)) == {"reason"}
    assert faults(world.post(path, karim, {"reason": "Spam", "report_status": "DISMISSED"})) == {
        "report_status"
    }
    assert world.post(path, None, {"reason": "Spam"}).status_code == 401
    world.put(at(business), amina, {"status": False})
    assert world.post(path, karim, {"reason": "Spam"}).status_code == 404
    assert world.sql("SELECT 1 FROM business_reports") == []
