"""Nouns of stewards."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.features.graph.model import UserMini
from majlis.kit.errors import Conflict

MOST = 50  # of an event


class Steward(msgspec.Struct):
    """Somebody who may let people in; null for somebody whom the host does not meet any more."""

    user_id: UUID
    person: UserMini | None
    added_at: datetime


class Stewards(msgspec.Struct):
    """Those of an event, in the order in which they were named."""

    data: list[Steward]


class Duty(msgspec.Struct):
    """An event at whose door somebody helps."""

    post_id: UUID
    title: Annotated[str, Meta(examples=["Rooftop until dawn"])]
    added_at: datetime


class Duties(msgspec.Struct):
    """All of one's own that are not over."""

    data: list[Duty]


class HostIsThere(Conflict):
    """The host lets people in anyway."""

    code, detail = "host_is_there", "You let people in already, as the host."


class NotInvited(Conflict):
    """Who does not see an event cannot stand at its door."""

    code, detail = "not_invited", "This person does not see the event."


class TooManyStewards(Conflict):
    """A list of stewards is a page."""

    code, detail = "too_many_stewards", f"An event has at most {MOST} stewards."
