"""Nouns of preferences."""

from typing import Literal, get_args

import msgspec
from msgspec import UNSET, UnsetType

Category = Literal["posts", "messages", "tasks", "documents", "rooms"]
Channel = Literal["email", "push", "web_socket"]
CATEGORIES: tuple[Category, ...] = get_args(Category)


class Preferences(msgspec.Struct):
    """What somebody wants: every category is named."""

    email_enabled: bool
    push_enabled: bool
    web_socket_enabled: bool
    categories: dict[str, bool]

    def allows(self, category: Category, channel: Channel) -> bool:
        """Whether things of a category go out over a channel. One that is off sends nothing anywhere."""
        return self.categories[category] and bool(getattr(self, f"{channel}_enabled"))


class Change(msgspec.Struct, kw_only=True):
    """What is to change; what is left out stays, of categories too."""

    email_enabled: bool | UnsetType = UNSET
    push_enabled: bool | UnsetType = UNSET
    web_socket_enabled: bool | UnsetType = UNSET
    categories: dict[str, bool] | UnsetType = UNSET


class Letter(msgspec.Struct, frozen=True):
    """A mail to somebody with an account here."""

    subject: str
    text: str
