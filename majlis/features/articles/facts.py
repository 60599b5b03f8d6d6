"""What happens to articles."""

from uuid import UUID

from majlis.kit.facts import Fact


class ArticlePublished(Fact, frozen=True):
    """An article is published that was not, by whatever way."""

    article_id: UUID
