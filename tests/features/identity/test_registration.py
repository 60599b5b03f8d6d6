"""Registering and confirming the address."""

import re

import pytest

from tests.world import PASSWORD, World


@pytest.mark.rule("hamsaya:12", "hamsaya:13")
def test_email_and_password_are_enough(world: World) -> None:
    answer = world.post("/api/v1/auth/register", json={"email": "Amina@Example.org ", "password": PASSWORD})
    assert answer.status_code == 201
    body = answer.json()
    assert body["access_token"] and body["refresh_token"]
    assert body["user"]["profile"]["id"] == body["user"]["id"]


@pytest.mark.rule("hamsaya:15", "hamsaya:20")
def test_the_mail_confirms_the_address_once(world: World) -> None:
    registered = world.post("/api/v1/auth/register", json={"email": "amina@example.org", "password": PASSWORD})
    assert registered.json()["user"]["email_verified"] is False
    world.drain()
    (letter,) = world.mails()
    token = re.search(r"token=([\w-]+)", letter.text).group(1)
    assert world.post("/api/v1/auth/verify-email", json={"token": token}).json()["email_verified"] is True
    assert world.post("/api/v1/auth/verify-email", json={"token": token}).status_code == 400
