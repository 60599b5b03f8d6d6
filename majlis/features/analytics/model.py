"""Nouns of what operators see. Days are those of UTC, amounts integers in minor units of their currency."""

from datetime import date, datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from majlis.features.ledger.model import Amount, Currency

MOST_DAYS = 366


class Day(msgspec.Struct):
    """What happened on a day. `active` is how many people used a session of theirs; what was written is counted once
    the day is over, whether or not it still stands later."""

    day: date
    registered: int
    active: int
    posts: int
    comments: int
    messages: int


class Revenue(msgspec.Struct):
    """What was paid in a month and not given back, and the platform's part of it."""

    month: Annotated[date, Meta(description="its first day")]
    currency: Currency
    turnover: Amount
    platform: Amount


class Queue(msgspec.Struct):
    """What waits for moderators; counted up to 10,000 cases. `oldest` is null where nothing does."""

    cases: int
    reports: int
    claimed: int
    escalated: int
    oldest: datetime | None


class Decisions(msgspec.Struct):
    """The last decisions, at most 5,000, and how long after a case was opened they came, in seconds.

    Half of them took at most `median_s`, nine of ten `slow_s`; null where there is none.
    """

    decided: int
    median_s: float | None
    slow_s: float | None


class Jobs(msgspec.Struct):
    """Work in the background that waits, and what was held because it failed too often; each up to 10,000."""

    waiting: int
    held: int


class Analytics(msgspec.Struct):
    """How the server is used: the last days, the present one so far included, and what is so now.

    Days before the server counted are left out, as are those of the last week that it has not come to count yet.
    """

    days: list[Day]
    revenue: list[Revenue]
    queue: Queue
    decisions: Decisions
    jobs: Jobs
    connected: Annotated[int, Meta(description="people with a socket open, as far as is known")]


class DaysQuery(msgspec.Struct):
    """How far back; revenue always of twelve months."""

    days: Annotated[int, Meta(ge=1, le=MOST_DAYS)] = 30
