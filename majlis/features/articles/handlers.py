"""Readers hear of what is published; a task counts words."""

from typing import Any

from majlis.app import App
from majlis.features.articles import service
from majlis.features.articles.facts import ArticlePublished
from majlis.features.tasks import service as tasks
from majlis.features.tasks.model import Work
from majlis.kit import facts
from majlis.kit.db import Tx
from majlis.kit.me import Me


@facts.on(ArticlePublished)
async def announce(tx: Tx, fact: ArticlePublished) -> None:
    """Tell everybody with a socket."""
    await service.announce(tx, Me.system, fact.article_id)


@tasks.kind("large_task")
async def summarise(app: App, me: Me, work: Work) -> dict[str, Any]:
    """Count the words and characters of all that the caller wrote, however much it is."""
    articles = words = characters = 0
    async with app.db.read() as tx:
        expected = await service.how_many(tx, me)
    last = None
    while True:
        async with app.db.read() as tx:
            found = await service.texts(tx, me, last)
        if not found:
            return {"articles": articles, "words": words, "characters": characters}
        last = found[-1].id
        articles += len(found)
        words += sum(len(one.content.split()) for one in found)
        characters += sum(len(one.content) for one in found)
        await work.progress(articles / max(expected, articles))
