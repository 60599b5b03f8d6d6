"""Direct chat over HTTP."""

from typing import cast
from uuid import UUID

from majlis.app import App
from majlis.features.chat import service
from majlis.features.chat.model import (
    ChatMessage,
    Conversation,
    ConversationCreate,
    MessageCreate,
    MessagesQuery,
)
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("chat")
ALL = "/api/v1/chat/conversations"
ONE = ALL + "/{conversation_id}"
MESSAGES = "/api/v1/chat/messages"
MESSAGE = MESSAGES + "/{message_id}"


@api.get(ALL, policy=access.user)
async def conversations(app: App, me: Me, query: http.PageQuery) -> http.Listing[Conversation]:
    """The caller's conversations, the latest message first."""
    async with app.db.read() as tx:
        return http.listing(await service.conversations(tx, me, query.paging()))


@api.post(ALL, policy=access.user, status=201, also=200, errors=(403, 404))
async def open_conversation(app: App, me: Me, body: ConversationCreate) -> Conversation:
    """A conversation with somebody; 200 with the one there is. 404 across a block, 403 if they take no messages."""
    async with app.db.tx() as tx:
        found, new = await service.open_conversation(tx, me, body)
    return cast(Conversation, http.Answer(found, 201 if new else 200))


@api.get(ONE, policy=access.user, errors=(404,))
async def conversation(app: App, me: Me, conversation_id: UUID) -> Conversation:
    """One conversation of the caller."""
    async with app.db.read() as tx:
        return await service.conversation(tx, me, conversation_id)


@api.get(ONE + "/messages", policy=access.user, errors=(404,))
async def messages(
    app: App, me: Me, conversation_id: UUID, query: MessagesQuery
) -> http.Listing[ChatMessage]:
    """Messages of a conversation, newest first."""
    async with app.db.read() as tx:
        return http.listing(await service.history(tx, me, conversation_id, query))


@api.post(MESSAGES, policy=access.user, status=201, errors=(403, 404))
async def send(app: App, me: Me, body: MessageCreate) -> ChatMessage:
    """Write in a conversation, or to somebody. 403 across a block, or if they take no messages from the caller."""
    async with app.db.tx() as tx:
        return await service.send(tx, me, body)


@api.delete(MESSAGE, policy=access.user, status=204, errors=(403, 404))
async def delete(app: App, me: Me, message_id: UUID) -> None:
    """Take a message of one's own back, for both sides."""
    async with app.db.tx() as tx:
        await service.delete(tx, me, message_id)


@api.put(MESSAGE + "/read", policy=access.user, errors=(403, 404))
async def read(app: App, me: Me, message_id: UUID) -> ChatMessage:
    """Mark a message, and all before it that the caller received, as read. 403 for who sent it."""
    async with app.db.tx() as tx:
        return await service.read(tx, me, message_id)
