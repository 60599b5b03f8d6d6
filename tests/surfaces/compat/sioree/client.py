"""The JSON of Sioree as its app declares it, which knows the contract alone: it takes no unknown field."""

# ruff: noqa: N815 - fields are called as they stand in the JSON

from datetime import datetime
from typing import Any, Literal

import msgspec

Role = Literal["host", "partier", "talent", "brand"]
Status = Literal["going", "interested", "not_going"]


class Body(msgspec.Struct, forbid_unknown_fields=True):
    """What comes from the server."""


class Refusal(Body):
    error: str


class Success(Body):
    success: Literal[True]


class UserBrief(Body):
    id: str
    email: str
    name: str
    role: Role


class Me(UserBrief):
    avatar: str | None
    bio: str | None
    location: str | None


class Tokens(Body):
    token: str
    refreshToken: str


class SignedIn(Tokens):
    user: UserBrief


class Conversation(Body):
    id: str
    participantId: str
    participantName: str
    participantAvatar: str | None
    lastMessage: str
    lastMessageTime: datetime
    unreadCount: int
    isActive: bool


class Conversations(Body):
    conversations: list[Conversation]
    total: int
    page: int
    limit: int


class Message(Body):
    id: str
    conversationId: str
    senderId: str
    receiverId: str
    text: str
    timestamp: datetime
    isRead: bool
    messageType: Literal["text", "image", "event_invite"]


class Messages(Body):
    messages: list[Message]
    hasMore: bool


class LinkToken(Body):
    linkToken: str
    expiration: datetime


class BankAccount(Body):
    id: str
    bankName: str
    accountType: Literal["checking", "savings"]
    last4: str
    isVerified: bool
    createdAt: datetime


class ConnectedBank(Body):
    account: BankAccount


class BankAccounts(Body):
    accounts: list[BankAccount]


class AuthUrl(Body):
    authUrl: str
    state: str


class SocialAccount(Body):
    id: str
    platform: Literal["instagram", "tiktok", "youtube", "spotify", "twitter", "soundcloud", "apple_music"]
    username: str
    profileUrl: str | None
    isConnected: bool
    connectedAt: datetime


class ConnectedSocial(Body):
    account: SocialAccount


class SocialAccounts(Body):
    accounts: list[SocialAccount]


class MediaUrl(Body):
    url: str
    thumbnailUrl: str


class MediaFile(MediaUrl):
    fileSize: int
    mimeType: str


class MediaUrls(Body):
    urls: list[MediaUrl]


class EventListItem(Body):
    id: str
    hostId: str
    title: str
    hostName: str
    date: datetime
    location: str
    priceText: str
    imageName: str
    tags: list[str]
    isFeatured: bool
    images: list[str]


class Events(Body):
    events: list[EventListItem]
    total: int
    page: int


class EventCreated(Body):
    id: str
    hostId: str
    title: str
    date: datetime
    location: str
    createdAt: datetime


class AttendeeCounts(Body):
    going: int
    interested: int


class EventDetail(EventListItem):
    description: str | None
    latitude: float | None
    longitude: float | None
    ticketPrice: float | None
    capacity: int | None
    attendeeCounts: AttendeeCounts
    myStatus: Status | None
    ticketsLeft: int | None
    createdAt: datetime
    updatedAt: datetime


class Attending(Body):
    eventId: str
    status: Status
    attendeeCounts: AttendeeCounts


class Attendee(Body):
    userId: str
    name: str
    avatar: str | None
    status: Status
    createdAt: datetime


class Attendees(Body):
    attendees: list[Attendee]
    total: int
    page: int
    limit: int


class Ticket(Body):
    id: str
    eventId: str
    userId: str
    code: str
    price: float
    currency: str
    status: Literal["reserved", "paid", "used", "cancelled", "refunded"]
    purchasedAt: datetime
    usedAt: datetime | None


class Bought(Body):
    tickets: list[Ticket]
    paymentUrl: str | None


class Tickets(Body):
    tickets: list[Ticket]
    total: int
    page: int
    limit: int


class TicketsOfEvent(Tickets):
    sold: int
    capacity: int | None


class Health(Body):
    status: Literal["ok", "degraded"]
    database: Literal["up", "down"]
    redis: Literal["up", "down"]


ANSWERS: dict[str, Any] = {
    "auth.signup": SignedIn,
    "auth.login": SignedIn,
    "auth.logout": Success,
    "auth.me": Me,
    "auth.refresh": Tokens,
    "auth.update_me": Me,
    "messages.conversations": Conversations,
    "messages.list": Messages,
    "messages.send": Message,
    "messages.open_conversation": Conversation,
    "messages.read": Success,
    "bank.link_token": LinkToken,
    "bank.exchange_token": ConnectedBank,
    "bank.accounts": BankAccounts,
    "bank.remove": Success,
    "webhooks.plaid": Success,
    **{f"social.{name}.auth_url": AuthUrl for name in ("instagram", "tiktok", "youtube", "spotify")},
    **{f"social.{name}.exchange": ConnectedSocial for name in ("instagram", "tiktok", "youtube", "spotify")},
    "social.accounts": SocialAccounts,
    "social.remove": Success,
    "media.upload": MediaFile,
    "media.upload_multiple": MediaUrls,
    "events.list": Events,
    "events.create": EventCreated,
    "events.get": EventDetail,
    "events.update": EventDetail,
    "events.delete": Success,
    "events.attend": Attending,
    "events.unattend": Success,
    "events.attendees": Attendees,
    "tickets.buy": Bought,
    "tickets.for_event": TicketsOfEvent,
    "tickets.mine": Tickets,
    "tickets.cancel": Success,
    "tickets.check_in": Ticket,
    "system.health": Health,
}
