"""Nouns of emoji, and what is refused."""

from typing import Annotated, ClassVar
from uuid import UUID

import msgspec
from msgspec import Meta

from majlis.kit.errors import Conflict, FieldFault, Forbidden, Invalid, NotFound

MAX_EMOJI = 1000  # of a workspace
MAX_BYTES = 256 * 1024

EmojiName = Annotated[str, Meta(pattern=r"\A[a-z0-9_-]{1,64}\Z", examples=["warm_bread"])]


class Emoji(msgspec.Struct):
    """An emoji of a workspace: a picture, which an alias has from another. Nobody made it who is gone."""

    name: str
    url: str
    alias_of: str | None
    created_by: UUID | None


class EmojiList(msgspec.Struct):
    """The emoji of a workspace by name, all of them."""

    data: list[Emoji]


class EmojiCreate(msgspec.Struct, kw_only=True):
    """A name for the picture in the form, or for the emoji that is named `alias_of`."""

    not_writable: ClassVar[frozenset[str]] = frozenset({"url", "created_by"})

    name: EmojiName
    alias_of: EmojiName | None = None


class NoEmoji(NotFound):
    """The workspace has no such emoji."""

    detail = "There is no such emoji."


class NotCreator(Forbidden):
    """Only who made an emoji and admins may remove it."""

    code, detail = "not_creator", "Only who made this emoji and admins may remove it."


class EmojiTaken(Conflict):
    """Another emoji of the workspace has this name."""

    code, detail = "name_taken", "Another emoji of the workspace has this name."

    def __init__(self) -> None:
        super().__init__(fields=[FieldFault("name", self.code, self.detail)])


class TooManyEmoji(Conflict):
    """Emoji beyond the limit."""

    code, detail = "too_many_emoji", f"A workspace has at most {MAX_EMOJI} emoji of its own."


class OneOf(Invalid):
    """Either a picture or the name of another emoji is needed."""

    code, detail = "one_of", "Give either a file or alias_of."

    def __init__(self) -> None:
        super().__init__(fields=[FieldFault(name, self.code, self.detail) for name in ("file", "alias_of")])
