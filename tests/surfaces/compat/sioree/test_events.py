"""Events at the Sioree door."""

from datetime import timedelta
from typing import Any

import pytest

from majlis.kit import clock
from majlis.surfaces.compat.sioree.events import price_text
from tests.features.events.inviting import EVENTS, when
from tests.surfaces.compat.sioree.guests import (
    Guest,
    ask,
    at,
    entered,
    night,
    picture,
    queries,
    refused,
    sign_up,
)
from tests.world import World

ITEM = {
    "id", "hostId", "title", "hostName", "date", "location", "priceText", "imageName", "tags", "isFeatured", "images",
}  # fmt: skip
DETAIL = ITEM | {
    "description", "latitude", "longitude", "ticketPrice", "capacity", "attendeeCounts", "myStatus", "ticketsLeft",
    "createdAt", "updatedAt",
}  # fmt: skip


def listed(world: World, who: Guest | None = None, **params: Any) -> list[str]:
    """Titles, in order."""
    answer = ask(world, "GET", "/api/events", who, params=params)
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"events", "total", "page"}
    return [one["title"] for one in answer.json()["events"]]


@pytest.mark.rule("sioree:R31", "sioree:D12")
def test_an_event_is_made_and_seen_at_both_doors(world: World) -> None:
    host = sign_up(world, "Nadia Rahimi", "host")
    pictures = [picture(host)["url"] for _ in range(2)]
    fields = {
        "description": "Bring a coat.", "latitude": 40.7, "longitude": -74.0, "ticketPrice": 25.5, "capacity": 100,
        "tags": ["house", "rooftop"], "images": pictures,
    }  # fmt: skip
    when = at(days=7)
    made = night(host, date=when, **fields)
    assert set(made) == {"id", "hostId", "title", "date", "location", "createdAt"}
    assert (made["hostId"], made["date"], made["location"]) == (str(host.id), when, "Pier 17, New York")
    found = host.get(f"/api/events/{made['id']}")
    assert set(found) == DETAIL
    assert {name: found[name] for name in fields} == fields
    assert (found["hostName"], found["priceText"], found["imageName"]) == (
        "Nadia Rahimi",
        "$25.5",
        "party.popper.fill",
    )
    assert (found["ticketsLeft"], found["myStatus"], found["isFeatured"]) == (100, None, False)
    assert found["attendeeCounts"] == {"going": 0, "interested": 0}
    native = world.get(f"{EVENTS}/{made['id']}").json()
    assert (native["type"], native["title"], native["description"]) == (
        "EVENT",
        made["title"],
        "Bring a coat.",
    )
    assert [one["photo"]["url"] for one in native["attachments"]] == pictures
    assert "Pier 17" in native["neighborhood"]


@pytest.mark.rule("sioree:R31")
def test_an_event_of_another_door_is_an_event_here(world: World) -> None:
    amina = world.person("Amina")
    body = {"type": "EVENT", "title": "kites", "district": "Share Naw", "province": "Kabul", **when(48, 50)}
    made = world.post("/api/v1/posts", amina, body).json()
    (item,) = ask(world, "GET", "/api/events").json()["events"]
    assert set(item) == ITEM
    assert (item["id"], item["location"], item["priceText"]) == (made["id"], "Share Naw, Kabul", "Free")
    assert (item["hostName"], item["tags"], item["images"]) == ("Amina Test", [], [])
    here = entered(world, amina)
    changed = here.ok(
        "PATCH", f"/api/events/{made['id']}", {"tags": ["kites"], "ticketPrice": 5, "capacity": 3}
    )
    assert (changed["tags"], changed["ticketPrice"], changed["capacity"]) == (["kites"], 5, 3)
    assert changed["location"] == "Share Naw, Kabul"


@pytest.mark.rule("sioree:R31", "sioree:D11")
@pytest.mark.parametrize(
    "fields",
    [
        {"title": ""}, {"title": "  "}, {"title": "a" * 256}, {"title": None}, {"location": ""},
        {"location": "a" * 256}, {"date": "tomorrow"}, {"date": "2020-01-01T00:00:00Z"}, {"ticketPrice": -1},
        {"ticketPrice": 0.001}, {"ticketPrice": 100_000_000}, {"capacity": 0}, {"latitude": 91, "longitude": 0},
        {"latitude": 0, "longitude": 181}, {"latitude": 5}, {"tags": ["a"] * 11}, {"images": ["x"] * 11},
        {"images": ["https://cdn.example/a.webp"]},
    ],
)  # fmt: skip
def test_what_is_no_event_is_refused(world: World, fields: dict[str, Any]) -> None:
    host = sign_up(world, role="host")
    body = {"title": "Rooftop", "date": at(days=1), "location": "Pier 17", **fields}
    host.refused(400, "validation_failed", "POST", "/api/events", body)
    assert not world.sql("SELECT FROM posts WHERE user_id = $1", host.id)


@pytest.mark.rule("sioree:R31")
@pytest.mark.parametrize("role, status", [("host", 200), ("brand", 200), ("partier", 403), ("talent", 403)])
def test_hosts_and_brands_invite(world: World, role: str, status: int) -> None:
    body = {"title": "Rooftop", "date": at(days=1), "location": "Pier 17"}
    answer = sign_up(world, role=role).ask("POST", "/api/events", body)
    assert answer.status_code == status
    if status == 403:
        refused(answer, 403, "role_not_allowed")
    refused(ask(world, "POST", "/api/events", json=body), 401, "No token provided")


@pytest.mark.rule("sioree:D14")
def test_only_operators_feature(world: World) -> None:
    host = sign_up(world, role="host")
    made = night(host, isFeatured=True)
    assert host.get(f"/api/events/{made['id']}")["isFeatured"] is False
    admin = world.person("Admin", role="admin")
    path = f"{EVENTS}/{made['id']}/featured"
    assert world.put(path, world.person(), {"featured": True}).status_code == 403
    assert world.put(path, admin, {"featured": True}).json() == {"featured": True}
    assert host.get(f"/api/events/{made['id']}")["isFeatured"] is True
    changed = host.ok("PATCH", f"/api/events/{made['id']}", {"title": "Still first"})
    assert changed["isFeatured"] is True
    own = night(entered(world, admin), isFeatured=True)
    assert host.get(f"/api/events/{own['id']}")["isFeatured"] is True


@pytest.mark.rule("sioree:R30", "sioree:D13")
def test_the_list_has_the_featured_first_then_the_soonest(world: World) -> None:
    host, admin = sign_up(world, role="host"), world.person("Admin", role="admin")
    made = {
        name: night(host, title=name, date=at(days=days))
        for name, days in (("c", 3), ("a", 1), ("b", 2), ("f", 9))
    }
    world.put(f"{EVENTS}/{made['f']['id']}/featured", admin, {"featured": True})
    assert listed(world) == ["f", "a", "b", "c"]
    assert (listed(world, limit=2), listed(world, limit=2, page=2)) == (["f", "a"], ["b", "c"])
    assert ask(world, "GET", "/api/events", params={"limit": 2}).json()["total"] == 4
    with clock.shifted(timedelta(days=2, hours=1)):
        assert listed(world) == ["f", "c"], "what began is not ahead"
    refused(ask(world, "GET", "/api/events", params={"page": 0}), 400, "validation_failed")
    refused(ask(world, "GET", "/api/events", params={"limit": 101}), 400, "validation_failed")


@pytest.mark.rule("sioree:R30", "sioree:D13")
def test_lists_are_narrowed_by_place_day_and_words(world: World) -> None:
    host = sign_up(world, role="host")
    night(
        host, title="Rooftop 100%", location="Pier 17, New York", date="2031-03-21T23:30:00Z", tags=["House"]
    )
    night(
        host,
        title="Cellar",
        location="Alexanderplatz, Berlin",
        date="2031-03-22T00:30:00Z",
        description="techno",
    )
    assert listed(world, location="new YORK") == ["Rooftop 100%"]
    assert listed(world, location="lin") == ["Cellar"]
    assert listed(world, search="TECH") == ["Cellar"]
    assert listed(world, search="hous") == ["Rooftop 100%"]
    assert listed(world, search="0%") == ["Rooftop 100%"]
    assert listed(world, search="%") == ["Rooftop 100%"] and listed(world, search="_") == []
    assert listed(world, date="2031-03-21") == ["Rooftop 100%"]
    assert listed(world, date="2031-03-22") == ["Cellar"]
    assert listed(world, date="2031-03-23") == listed(world, date="9999-12-31") == []
    refused(ask(world, "GET", "/api/events", params={"date": "today"}), 400, "validation_failed")


@pytest.mark.rule("sioree:R30")
def test_a_list_takes_the_same_number_of_queries(world: World) -> None:
    host = sign_up(world, role="host")
    night(host)
    few = queries(world, lambda: listed(world, host))
    for _ in range(4):
        night(sign_up(world, role="host"), ticketPrice=5, images=[])
    assert queries(world, lambda: listed(world, host)) == few


@pytest.mark.rule("sioree:R30")
def test_who_is_blocked_sees_nothing_of_it(world: World) -> None:
    amina, omid = world.person("Amina"), world.person("Omid")
    host, other = entered(world, amina), entered(world, omid)
    world.sql("INSERT INTO nightlife_people VALUES ($1, 'host', NULL, now(), now())", amina.id)
    made = night(host)
    assert listed(world, other) == [made["title"]]
    world.post(f"/api/v1/users/{omid.id}/block", amina)
    assert listed(world, other) == []
    for method, path in (("GET", ""), ("POST", "/attend"), ("GET", "/attendees"), ("POST", "/tickets")):
        other.refused(
            404,
            "event_not_found",
            method,
            f"/api/events/{made['id']}{path}",
            {} if method == "POST" else None,
        )


@pytest.mark.rule("sioree:R31")
def test_an_event_is_changed_by_its_host(world: World) -> None:
    host = sign_up(world, role="host")
    first, second = (picture(host)["url"] for _ in range(2))
    made = night(host, ticketPrice=10, capacity=5, images=[first], latitude=1, longitude=2)
    path = f"/api/events/{made['id']}"
    sign_up(world, role="host").refused(403, "not_host", "PATCH", path, {"title": "Mine"})
    when = at(days=8)
    moved = host.ok("PATCH", path, {"date": when, "location": "Elsewhere", "images": [second, first]})
    assert (moved["date"], moved["location"], moved["images"]) == (when, "Elsewhere", [second, first])
    assert (moved["ticketPrice"], moved["capacity"], moved["title"]) == (10, 5, made["title"])
    cleared = host.ok(
        "PATCH",
        path,
        {
            "ticketPrice": None,
            "capacity": None,
            "latitude": None,
            "longitude": None,
            "description": None,
            "images": [],
        },
    )
    assert (cleared["priceText"], cleared["capacity"], cleared["latitude"], cleared["images"]) == (
        "Free",
        None,
        None,
        [],
    )
    host.refused(400, "validation_failed", "PATCH", path, {"title": None})
    host.refused(400, "validation_failed", "PATCH", path, {"latitude": 3})


@pytest.mark.rule("sioree:D15")
def test_capacity_does_not_fall_below_what_was_sold_and_what_was_sold_stays(world: World) -> None:
    host, guest = sign_up(world, role="host"), sign_up(world)
    made = night(host, capacity=3)
    path = f"/api/events/{made['id']}"
    guest.post(path + "/tickets", {"quantity": 2})
    host.refused(409, "capacity_below_sold", "PATCH", path, {"capacity": 1})
    host.refused(409, "tickets_sold", "DELETE", path)
    guest.refused(403, "not_host", "DELETE", path)
    for ticket in guest.get("/api/tickets")["tickets"]:
        assert guest.ok("DELETE", f"/api/tickets/{ticket['id']}") == {"success": True}
    assert host.ok("DELETE", path) == {"success": True}
    host.refused(404, "event_not_found", "GET", path)


@pytest.mark.rule("sioree:R32")
def test_one_status_for_each_person_and_event(world: World) -> None:
    host, guest = sign_up(world, role="host"), sign_up(world)
    path = f"/api/events/{night(host)['id']}"
    counts = [(0, 1, "interested"), (1, 0, "going"), (0, 0, "not_going")]
    for going, interested, status in counts:
        answer = guest.post(path + "/attend", {"status": status})
        assert answer["status"] == status
        assert answer["attendeeCounts"] == {"going": going, "interested": interested}
        assert guest.get(path)["myStatus"] == status
    assert guest.post(path + "/attend", {})["status"] == "going"
    assert guest.ok("DELETE", path + "/attend") == {"success": True}
    assert guest.get(path)["attendeeCounts"] == {"going": 0, "interested": 0}
    guest.refused(400, "validation_failed", "POST", path + "/attend", {"status": "perhaps"})


@pytest.mark.rule("sioree:R32")
def test_going_takes_a_ticket_where_they_cost_and_a_place_where_they_are_few(world: World) -> None:
    host, one, two = sign_up(world, role="host"), sign_up(world), sign_up(world)
    paid, few = night(host, ticketPrice=5), night(host, capacity=1)
    one.refused(402, "ticket_required", "POST", f"/api/events/{paid['id']}/attend", {})
    assert one.post(f"/api/events/{paid['id']}/attend", {"status": "interested"})["status"] == "interested"
    path = f"/api/events/{few['id']}"
    one.post(path + "/attend", {})
    assert one.post(path + "/attend", {})["attendeeCounts"]["going"] == 1
    assert len(one.get("/api/tickets")["tickets"]) == 1, "one place, however often it is said"
    two.refused(409, "event_full", "POST", path + "/attend", {})
    one.ok("DELETE", path + "/attend")
    assert two.post(path + "/attend", {})["attendeeCounts"] == {"going": 1, "interested": 0}


@pytest.mark.rule("sioree:R32")
def test_attendees_are_shown_as_far_as_they_show_themselves(world: World) -> None:
    host, amina, omid = sign_up(world, "Host", "host"), world.person("Amina"), world.person("Omid")
    path = f"/api/events/{night(host)['id']}"
    entered(world, amina).post(path + "/attend", {})
    entered(world, omid).post(path + "/attend", {"status": "interested"})
    sara = sign_up(world, "Sara")
    sara.post(path + "/attend", {"status": "not_going"})

    def names(who: Guest | None, **params: Any) -> list[str]:
        found = ask(world, "GET", path + "/attendees", who, params=params).json()
        assert set(found) == {"attendees", "total", "page", "limit"}
        assert found["total"] == len(found["attendees"])
        return [one["name"] for one in found["attendees"]]

    assert names(None) == ["Omid Test", "Amina Test"]
    assert names(None, status="going") == ["Amina Test"]
    assert (names(sara, status="not_going"), names(host, status="not_going")) == ([], ["Sara"])
    world.put("/api/v1/settings/privacy", amina, {"is_private": True})
    assert names(None) == ["Omid Test"]
    assert names(host) == ["Omid Test", "Amina Test"]
    world.post(f"/api/v1/users/{sara.id}/block", omid)
    assert names(sara) == []


@pytest.mark.rule("sioree:D12")
@pytest.mark.parametrize(
    "amount, currency, text",
    [
        (None, "USD", "Free"), (0, "USD", "Free"), (2500, "USD", "$25"), (2550, "USD", "$25.5"), (2599, "USD", "$25.99"),
        (10000, "USD", "$100"), (100, "JPY", "100 JPY"), (1250, "EUR", "12.5 EUR"),
    ],
)  # fmt: skip
def test_the_text_of_a_price(amount: int | None, currency: str, text: str) -> None:
    assert price_text(amount, currency) == text


def test_a_night_lasts_beyond_midnight(world: World) -> None:
    host, guest = sign_up(world, role="host"), sign_up(world)
    made = night(host, date="2031-03-21T19:00:00Z")
    native = world.get(f"{EVENTS}/{made['id']}").json()
    assert native["start_date"] == "2031-03-21" and native["end_date"] == "2031-03-22"
    assert guest.get(f"/api/events/{made['id']}")["date"] == "2031-03-21T19:00:00Z"
