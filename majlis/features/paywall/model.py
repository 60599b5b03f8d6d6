"""Nouns of paid posts, and what is refused. Amounts are integers in minor units of their currency."""

import hmac
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from majlis.features.ledger.model import Amount, Currency
from majlis.features.media.model import Photo
from majlis.features.posts.model import Post, Text, Visibility
from majlis.kit import crypto
from majlis.kit.errors import Conflict, NotFound

POST, AUTHOR = "paywall.post", "paywall.author"  # purposes of payments and of subscriptions
DEFAULT_CURRENCY = "USD"
LINES, LENGTH = 3, 280  # of a text, at most so much is read by everybody
CUT = "…"
MOST_MEDIA = 10
NOBODY = UUID(int=0)  # whom addresses of what became free are for
FILES = "/api/v1/paid-media"
LINK_LIFE = timedelta(hours=1)

Price = Annotated[int, Meta(ge=1, le=999_999_999_999, description="in minor units", examples=[499])]
Code = Annotated[str, Meta(pattern="^[A-Z]{3}$", description="ISO 4217", examples=["EUR"])]
Teaser = Annotated[str, Meta(max_length=2000, description="what everybody reads; else the first lines")]
Photos = Annotated[list[Photo], Meta(max_length=MOST_MEDIA)]
PurchaseStatus = Literal["pending", "bought", "refunded"]


def teaser_of(text: str) -> str:
    """The first lines of a text: at most half of it, and whole words."""
    most = min(LENGTH, len(text) // 2)
    start = "\n".join(text.split("\n")[:LINES])
    if len(start) > most:
        # The character behind the cut tells whether a word was cut.
        start = start[: most + 1]
        kept = max(start.rfind(" "), start.rfind("\n"))
        start = start[: max(kept, 0)]
    start = start.rstrip()
    return f"{start} {CUT}" if start else CUT


class Settings(msgspec.Struct, kw_only=True):
    """Whether the caller takes money for what they publish, and what a month of it costs; null sells no months."""

    enabled: bool
    price: Price | None
    currency: Currency
    updated_at: datetime


class SettingsBody(msgspec.Struct, kw_only=True):
    """Absent fields stay. Those who subscribe keep their price."""

    enabled: bool | UnsetType = UNSET
    price: Price | None | UnsetType = UNSET
    currency: Code | UnsetType = UNSET


class PaidCreate(msgspec.Struct, kw_only=True):
    """A new paid post: without a price it is for subscribers alone. `preview` is seen by everybody."""

    not_writable: ClassVar[frozenset[str]] = frozenset({"id", "post_id", "unlocked", "author_id"})

    text: Text
    teaser: Teaser | None = None
    price: Price | None = None
    currency: Code | None = None
    visibility: Visibility = "PUBLIC"
    metadata: dict[str, Any] = {}
    attachments: Photos = []
    preview: Photos = []

    def shown(self) -> str:
        """What everybody reads."""
        return self.teaser if self.teaser and self.teaser.strip() else teaser_of(self.text)


class PaidFrom(msgspec.Struct, kw_only=True):
    """What a free post costs from now on: without a price it is for subscribers alone."""

    price: Price | None = None
    currency: Code | None = None
    teaser: Teaser | None = None


class PaidUpdate(msgspec.Struct, kw_only=True):
    """Absent fields stay. A null price leaves the post to subscribers; who bought it keeps it."""

    text: Text | UnsetType = UNSET
    teaser: Teaser | UnsetType = UNSET
    price: Price | None | UnsetType = UNSET
    currency: Code | UnsetType = UNSET


class PaidMedia(msgspec.Struct):
    """A picture or video for those who paid. The address is the viewer's own and good for an hour."""

    id: UUID
    url: str
    name: str
    mime_type: str
    size: int
    width: int
    height: int
    alt_text: str | None
    created_at: datetime


class Paid(msgspec.Struct):
    """What is behind the paywall of a post. `text` and `media` are empty for those who have not paid.

    A post that became `free` is unlocked for everybody.
    """

    post_id: UUID
    author_id: UUID
    unlocked: bool
    free: bool
    price: Price | None
    currency: Currency
    media_count: int
    text: str | None
    media: list[PaidMedia]


class PaidPost(msgspec.Struct):
    """A paid post as the caller sees it."""

    post: Post
    paid: Paid


class PaidPosts(msgspec.Struct):
    """Those of the posts asked for that are paid ones and may be seen."""

    data: list[Paid]


class Purchase(msgspec.Struct):
    """A post that was bought, or is about to be."""

    id: UUID
    post_id: UUID
    author_id: UUID
    amount: Amount
    currency: Currency
    status: Annotated[PurchaseStatus, Meta(examples=["bought"])]
    created_at: datetime


class Sale(msgspec.Struct):
    """The same for the author. The buyer is null once their account is erased."""

    id: UUID
    post_id: UUID
    buyer_id: UUID | None
    amount: Amount
    currency: Currency
    status: Annotated[PurchaseStatus, Meta(examples=["bought"])]
    created_at: datetime


class NotForSale(NotFound):
    """It is no paid post, or for subscribers alone, or its author takes no money now."""

    code, detail = "not_for_sale", "This is not for sale."


class NotMonetized(Conflict):
    """The author has not said that they take money."""

    code, detail = "monetization_disabled", "Enable monetization first."


class Bought(Conflict):
    """The caller has it."""

    code, detail = "already_bought", "You have this already."


class AlreadyPaid(Conflict):
    """It has a price, or is of a kind that has none."""

    code, detail = "not_enclosable", "Only a free post of the feed becomes a paid one."


class OwnPost(Conflict):
    """Authors need not buy what they wrote."""

    code, detail = "own_post", "This is your own."


class NotBought(Conflict):
    """There is nothing to give back."""

    code, detail = "not_bought", "This was not bought, or was given back."


class Link(msgspec.Struct):
    """What an address of something paid holds."""

    viewer: UUID
    expires: Annotated[int, Meta(ge=0, le=2**53)]
    signature: Annotated[str, Meta(max_length=100)]

    def is_good(self, key: bytes, media_id: UUID, now: datetime) -> bool:
        """Whether this was signed with the key for that file, and has not ended."""
        good = _signature_of(key, media_id, self.viewer, self.expires)
        signed = hmac.compare_digest(self.signature.encode(), good.encode())
        return signed and self.expires > now.timestamp()


def address_of(key: bytes, media_id: UUID, viewer: UUID | None, now: datetime) -> str:
    """Where this viewer finds something paid for the next hour."""
    viewer, expires = viewer or NOBODY, int((now + LINK_LIFE).timestamp())
    signature = _signature_of(key, media_id, viewer, expires)
    return f"{FILES}/{media_id}?viewer={viewer}&expires={expires}&signature={signature}"


def _signature_of(key: bytes, media_id: UUID, viewer: UUID, expires: int) -> str:
    """What proves an address of something paid."""
    return crypto.b64(hmac.digest(key, f"{media_id}:{viewer}:{expires}".encode(), "sha256"))


class SomeQuery(msgspec.Struct):
    """Which posts."""

    post_id: Annotated[list[UUID], Meta(max_length=100)]
