"""Nouns of businesses, in and out."""

from collections.abc import Sequence
from datetime import datetime, time
from typing import Annotated, ClassVar, Literal, get_args
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from majlis.features.media.model import Photo
from majlis.kit.errors import Conflict, FieldFault, Forbidden, Invalid
from majlis.kit.geo import Point
from majlis.kit.text import WEBSITE

Day = Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
DAYS: tuple[str, ...] = get_args(Day)

Name = Annotated[str, Meta(min_length=1, max_length=255, examples=["Bakery at the corner"])]
Text = Annotated[str, Meta(max_length=10_000)]
Address = Annotated[str, Meta(max_length=1000, examples=["Street 4, Karte Char"])]
Place = Annotated[str, Meta(max_length=100)]
Phone = Annotated[str, Meta(max_length=20, examples=["+93700123456"])]
License = Annotated[str, Meta(max_length=100, examples=["D-40321"])]
Line = Annotated[str, Meta(max_length=255)]
Website = Annotated[str, Meta(max_length=255, pattern=WEBSITE, examples=["https://bakery.example"])]
TimeOfDay = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$", examples=["08:30"])]
CategoryName = Annotated[str, Meta(min_length=1, max_length=100, examples=["Bakery"])]
CategoryIds = Annotated[list[UUID], Meta(max_length=50)]


# ---- out


class BusinessMini(msgspec.Struct):
    """A business beside a post or in a list."""

    id: UUID
    name: str
    avatar: Photo | None
    province: str | None
    district: str | None
    neighborhood: str | None
    is_following: bool


class BusinessCategory(msgspec.Struct):
    """A kind of business, from the list that all share."""

    id: UUID
    name: str
    is_active: bool
    created_at: datetime


class BusinessHours(msgspec.Struct):
    """When a business is open on a weekday, by the clock of its place.

    Closing before opening means past midnight; closing when it opens, around the clock.
    """

    id: UUID
    business_profile_id: UUID
    day: Day
    open_time: time | None
    close_time: time | None
    is_closed: bool
    created_at: datetime
    updated_at: datetime


class BusinessAttachment(msgspec.Struct):
    """A picture of a business's gallery."""

    id: UUID
    business_profile_id: UUID
    photo: Photo
    created_at: datetime
    updated_at: datetime


class BusinessAvatar(msgspec.Struct):
    """The picture of a business that was just set."""

    avatar: Photo


class BusinessCover(msgspec.Struct):
    """The cover of a business that was just set."""

    cover: Photo


class BusinessCategories(msgspec.Struct):
    """Categories, by name."""

    data: list[BusinessCategory]


class BusinessWeek(msgspec.Struct):
    """The weekdays of which hours are known, from Monday on."""

    data: list[BusinessHours]


class BusinessAttachments(msgspec.Struct):
    """Pictures that were just added, in the order in which they were sent."""

    data: list[BusinessAttachment]


class BusinessFollowState(msgspec.Struct):
    """Whether the caller follows a business now, and how many do."""

    is_following: bool
    total_follow: int


# ---- in


SERVER_OWNED = frozenset(
    {
        "id", "user_id", "total_views", "total_follow", "created_at", "updated_at", "deleted_at", "owner", "categories",
        "attachments", "is_following", "is_mine", "is_open_now", "distance_km",
    }
)  # fmt: skip


class Placing(msgspec.Struct, kw_only=True):
    """Where a business is; parts that are left out are looked up from a new location."""

    address: Address | None | UnsetType = UNSET
    country: Place | None | UnsetType = UNSET
    province: Place | None | UnsetType = UNSET
    district: Place | None | UnsetType = UNSET
    neighborhood: Place | None | UnsetType = UNSET
    show_location: bool | UnsetType = UNSET


class Fields(Placing, kw_only=True):
    """What creating and changing a business have in common."""

    license_no: License | None | UnsetType = UNSET
    description: Text | None | UnsetType = UNSET
    phone_number: Phone | None | UnsetType = UNSET
    email: Line | None | UnsetType = UNSET
    website: Website | None | UnsetType = UNSET
    additional_info: Text | None | UnsetType = UNSET
    status: bool | UnsetType = UNSET
    address_location: Point | None | UnsetType = UNSET


class BusinessHoursInput(msgspec.Struct, kw_only=True):
    """The hours of a weekday; times are needed unless it is closed."""

    day: Day
    open_time: TimeOfDay | None = None
    close_time: TimeOfDay | None = None
    is_closed: bool = False


Week = Annotated[list[BusinessHoursInput], Meta(max_length=20)]


class BusinessCreate(Fields, kw_only=True):
    """A new business. Pictures are Photo objects of earlier uploads."""

    not_writable: ClassVar[frozenset[str]] = SERVER_OWNED

    name: Name
    category_ids: CategoryIds = []
    hours: Week = []
    avatar: Photo | None = None
    cover: Photo | None = None


class BusinessUpdate(Fields, kw_only=True):
    """Absent fields stay, null clears. Pictures, categories and hours have operations of their own."""

    not_writable: ClassVar[frozenset[str]] = SERVER_OWNED | {"category_ids", "hours", "avatar", "cover"}

    name: Name | UnsetType = UNSET


class BusinessLocation(Placing, kw_only=True):
    """A new place. Parts that are left out are looked up."""

    address_location: Point


class CategoriesBody(msgspec.Struct):
    """The whole set of categories; none clears it."""

    category_ids: CategoryIds


class HoursBody(msgspec.Struct):
    """The weekdays to set; those left out stay as they are."""

    hours: Week


class BusinessCategoryCreate(msgspec.Struct):
    """A new category to choose from."""

    not_writable: ClassVar[frozenset[str]] = frozenset({"id", "created_at"})

    name: CategoryName
    is_active: bool = True


class BusinessCategoryUpdate(msgspec.Struct, kw_only=True):
    """Absent fields stay. An inactive category is neither offered nor shown."""

    not_writable: ClassVar[frozenset[str]] = frozenset({"id", "created_at"})

    name: CategoryName | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET


class CategoryQuery(msgspec.Struct, kw_only=True):
    """Categories whose name holds this."""

    q: Annotated[str, Meta(max_length=200)] | None = None


def check_hours(hours: Sequence[BusinessHoursInput]) -> None:
    """Raises Invalid naming each day that is repeated and each time that is missing (rule 138)."""
    wrong: list[FieldFault] = []
    seen: set[str] = set()
    for at, one in enumerate(hours):
        if one.day in seen:
            wrong.append(FieldFault(f"hours[{at}].day", "repeated", "This day is there twice."))
        seen.add(one.day)
        wrong += [
            FieldFault(f"hours[{at}].{name}", "required", "Give the time, or is_closed.")
            for name in ("open_time", "close_time")
            if getattr(one, name) is None and not one.is_closed
        ]
    if wrong:
        raise Invalid(fields=wrong)


class NotOwner(Forbidden):
    """Only the owner acts for a business."""

    code, detail = "not_owner", "Only the owner of the business may do this."


class OwnBusiness(Invalid):
    """Nobody follows a business of their own."""

    code, detail = "own_business", "You cannot do this to your own business."


class Unconfirmed(Forbidden):
    """This server wants a confirmed address of whoever opens a business."""

    code, detail = "email_not_verified", "Confirm your e-mail address first."


class CategoryTaken(Conflict):
    """There is a category of that name."""

    code, detail = "category_taken", "There is a category of this name."
