"""Nouns of what authors earn. Amounts are integers in minor units of their currency, without the platform's part."""

from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.features.ledger.model import Amount, Currency


class Day(msgspec.Struct):
    """What came in on a day, in UTC, and what was given back: negative when that was more."""

    day: date
    currency: Currency
    posts: Amount
    subscriptions: Amount


class Earned(msgspec.Struct):
    """All of the days in a currency."""

    currency: Currency
    amount: Amount


class Subscribers(msgspec.Struct):
    """How many subscribe, and how that changed. `churn` is the part of those at the beginning who ended since."""

    active: int
    new: int
    ended: int
    churn: Annotated[float, Meta(ge=0, le=1, examples=[0.05])]


class TopPost(msgspec.Struct):
    """What a post earned; its teaser is null once it is deleted."""

    post_id: UUID
    teaser: str | None
    currency: Currency
    amount: Amount
    sales: int


class Dashboard(msgspec.Struct):
    """What an author earned in the last days, today included. Days on which nothing happened are left out."""

    days: int
    earned: list[Earned]
    earnings: list[Day]
    subscribers: Subscribers
    top_posts: list[TopPost]


class DaysQuery(msgspec.Struct):
    """How far back."""

    days: Annotated[int, Meta(ge=1, le=366)] = 30
