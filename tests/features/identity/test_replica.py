"""Mail about an account does not wait for a replica that is behind."""

from collections.abc import Callable, Iterator

import pytest

from majlis.kit import facts, jobs
from majlis.kit.db import Database, open_pool
from tests.features.identity.accounts import AUTH, EMAIL, register, tokens
from tests.world import World


@pytest.fixture
def behind(clone: World, postgres: Callable[[str], str], shared: str) -> Iterator[World]:
    """A world whose reads go to where nobody has registered yet."""
    primary, replica = clone.app.db, clone.go(open_pool(shared, 2))
    clone.app.db = Database(primary.pool, replica)
    yield clone
    clone.app.db = primary
    clone.go(replica.close())


def mailed(world: World, template: str) -> list[str]:
    """The tokens of such mails, once the worker of the primary has done all there is."""
    world.go(jobs.drain(world.app, Database(world.app.db.pool), facts.registry))
    return tokens(world, template)


@pytest.mark.rule("hamsaya:12", "hamsaya:18")
def test_whoever_has_just_registered_is_mailed(behind: World) -> None:
    answer = register(behind)
    assert answer.status_code == 201
    assert len(mailed(behind, "verify-email")) == 1
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    for body in ({"email": EMAIL}, {}):
        sent = behind.post(f"{AUTH}/resend-verification", json=body, headers=headers)
        assert sent.status_code == 202, sent.text
    assert len(mailed(behind, "verify-email")) == 3
    assert behind.post(f"{AUTH}/forgot-password", json={"email": EMAIL}).status_code == 202
    (token,) = mailed(behind, "reset-password")
    new = {"token": token, "new_password": "Herat-2026!"}
    assert behind.post(f"{AUTH}/reset-password", json=new).status_code == 204
    before = len(behind.mails())
    mailed(behind, "reset-password")
    assert len(behind.mails()) == before + 1, "that the password changed"
