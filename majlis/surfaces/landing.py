"""Pages behind the links in mails, for servers whose people have no app with such pages: see MAJLIS_APP_URL."""

from typing import Any

from majlis.kit import http
from majlis.kit.http import access
from majlis.surfaces.documents import page

api = http.Api("documents")
PAGE: dict[str, Any] = {"policy": access.none, "content_type": "text/html", "documented": False}
TEMPLATE = "landing.html"


@api.get("/verify-email", **PAGE)
async def verify_email() -> Any:
    """A button that confirms an address: programs that look at links in mails must not do that."""
    return page(TEMPLATE, title="Confirm your e-mail address", what="verify-email")


@api.get("/reset-password", **PAGE)
async def reset_password() -> Any:
    """A field for a new password."""
    return page(TEMPLATE, title="Choose a new password", what="reset-password")


@api.get("/forgot-password", **PAGE)
async def forgot_password() -> Any:
    """A field for the address to which a link for a new password is sent."""
    return page(TEMPLATE, title="Ask for a new password", what="forgot-password")
