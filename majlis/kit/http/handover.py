"""An answer that another ASGI application gives, which may take longer than requests do here."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.responses import Response

# In the scope of a request: what to call when the server is about to stop, and what sends a whole answer at once.
DRAIN, RESPOND = "majlis.drain", "majlis.respond"
Application = Callable[[Any, Any, Any], Awaitable[Any]]


class Handover(Response):
    """Given to the server instead of an answer. The body of the request was read, within the limits of its route.

    `gone` is called where the client leaves before anything was answered.
    """

    def __init__(self, application: Application, body: bytes, gone: Callable[[], None]) -> None:
        self.status_code = 200
        self.background = None
        self.raw_headers = []  # what the server adds to those of the application
        self._application, self._content, self._gone = application, body, gone
        self._begun = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer."""

        async def body() -> Any:
            return {"type": "http.request", "body": self._content, "more_body": False}

        async def begin(message: Any) -> None:
            if message["type"] == "http.response.start":
                self._begun, self.status_code = True, message["status"]
                message = {**message, "headers": [*message.get("headers", ()), *self.raw_headers]}
            await send(message)

        watching = asyncio.create_task(self._watch(receive))
        try:
            await self._application(scope, body, begin)
        finally:
            watching.cancel()

    async def _watch(self, receive: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        if not self._begun:
            self._gone()
