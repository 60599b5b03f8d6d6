"""The pages behind links in mails."""

import re
from urllib.parse import urlsplit

import pytest

from majlis.vendors import mail
from tests.world import World

PAGES = ("/verify-email", "/reset-password", "/forgot-password")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_needs_nothing_from_elsewhere_and_repeats_no_token(world: World, path: str) -> None:
    answer = world.get(path, params={"token": 'x"><script>alert(1)</script>'})
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "alert(1)" not in answer.text
    needed = re.findall(r'(?:src|href)="([^"]+)"', answer.text)
    assert needed and all(link.startswith("/docs/static/") for link in needed)
    assert all(world.get(link).status_code == 200 for link in needed)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_sends_to_a_route_that_is_there(world: World, path: str) -> None:
    (target,) = re.findall(r'data-path="([^"]+)"', world.get(path).text)
    assert world.post(target, json={}).status_code == 422


def test_the_links_of_mails_lead_to_a_page(world: World) -> None:
    values = {"app_url": mail.app_url(world.app.settings), "token": "abc"}
    for template in ("verify_email", "reset_password", "password_changed"):
        text = mail.compose("amina@example.org", template, **values).text
        (link,) = re.findall(r"^https?://\S+", text, re.MULTILINE)
        assert urlsplit(link).path in PAGES
        assert world.get(urlsplit(link).path).status_code == 200
