"""The end of digests over HTTP, for people who come from a mail and for their mail programs."""

from starlette.responses import Response

from majlis.app import App
from majlis.features.digests import service
from majlis.features.digests.model import UNSUBSCRIBE, UnsubscribeQuery
from majlis.kit import http
from majlis.kit.http import access
from majlis.kit.me import Me

api = http.Api("notifications")
HTML = "text/html"
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Mails about notifications</title></head><body><main>{}</main></body></html>
"""
# Programs that look at links in mails must not end them: that takes the button.
ASK = PAGE.format(
    '<p>Do you want no more mails about notifications?</p><form method="post"><button>No more mails</button></form>'
)
DONE = PAGE.format("<p>You will get no more mails about notifications. The settings turn them on again.</p>")


@api.get(UNSUBSCRIBE, policy=access.none, content_type=HTML)
async def ask(query: UnsubscribeQuery) -> Response:
    """The page behind the link in a digest: a button that ends these mails."""
    return Response(ASK, media_type=HTML, headers=HEADERS)


@api.post(UNSUBSCRIBE, policy=access.none, content_type=HTML, errors=(404,))
async def unsubscribe(app: App, me: Me, query: UnsubscribeQuery) -> Response:
    """End these mails, at one click of a mail program (RFC 8058) or by the button."""
    async with app.db.tx() as tx:
        await service.unsubscribe(tx, me, query.token)
    return Response(DONE, media_type=HTML, headers=HEADERS)
