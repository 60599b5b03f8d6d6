"""Muting words for oneself over HTTP. The rules for all are administered with the rest of moderation."""

from uuid import UUID

from majlis.app import App
from majlis.features.filters import service
from majlis.features.filters.model import MutedWord, MutedWordBody
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me
from majlis.kit.page import Page

api = http.Api("profile")
WORDS = "/api/v1/users/me/muted-words"


@api.get(WORDS, policy=access.user)
async def muted_words(app: App, me: Me) -> http.Listing[MutedWord]:
    """The words that the caller does not want to read, up to a hundred: posts with one are left out of feeds."""
    async with app.db.read() as tx:
        return http.listing(Page(await service.muted_words(tx, me)))


@api.post(WORDS, policy=access.user, status=201, also=200, errors=(409,))
async def mute_word(app: App, me: Me, body: MutedWordBody) -> MutedWord:
    """Mute a word, or a few in a row. Doing it again answers 200 with the first."""
    async with app.db.tx() as tx:
        word, new = await service.mute_word(app, tx, me, body)
    return http.Answer(word, 201 if new else 200)  # type: ignore[return-value]


@api.delete(WORDS + "/{word_id}", policy=access.user, status=204)
async def unmute_word(app: App, me: Me, word_id: UUID) -> None:
    """Read a word again."""
    async with app.db.tx() as tx:
        await service.unmute_word(app, tx, me, word_id)
