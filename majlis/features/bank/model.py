"""Nouns of bank accounts."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from majlis.kit.errors import Invalid


class Account(msgspec.Struct):
    """A connected account as its owner sees it: never its number. Unverified while the bank wants a new login."""

    id: UUID
    bank_name: str
    account_type: Literal["checking", "savings"]
    last4: str
    is_verified: bool
    created_at: datetime


class NoSupportedAccount(Invalid):
    """The login leads to no account that can be connected."""

    code, detail = "no_supported_account", "There is no checking or savings account behind this login."
