"""A server that takes the stand-in for Google, Apple and Facebook."""

from collections.abc import Iterator

import pytest

from majlis.vendors.oauth import fake
from majlis.vendors.oauth.fake import Fake
from tests.features.oauth.signing import served_by
from tests.world import World


@pytest.fixture
def companies() -> Iterator[Fake]:
    """The stand-in."""
    with fake.serving() as running:
        yield running


@pytest.fixture
def town(world: World, companies: Fake) -> World:
    """A rolled-back world whose people may sign in by companies."""
    return served_by(world, companies)


@pytest.fixture
def city(clone: World, companies: Fake) -> World:
    """The same with real connections."""
    return served_by(clone, companies)
