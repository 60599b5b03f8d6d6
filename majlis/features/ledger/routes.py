"""One's own account in the ledger over HTTP."""

from majlis.app import App
from majlis.features.ledger import service
from majlis.features.ledger.model import Entry
from majlis.kit import http
from majlis.kit.http import Listing, PageQuery, access, listing
from majlis.kit.me import Me

api = http.Api("payments")


@api.get("/api/v1/payments/ledger", policy=access.user)
async def ledger(app: App, me: Me, query: PageQuery) -> Listing[Entry]:
    """The caller's account line by line, the newest first."""
    async with app.db.read() as tx:
        return listing(await service.entries(tx, me, query.paging()))
