"""The HTTP layer: routes with policies, strict input, errors per surface, OpenAPI documents.

Around it stand Starlette's classes (multipart, responses, WebSockets, CORS) and uvicorn.
"""

from majlis.kit.http import access as access
from majlis.kit.http.dialect import Dialect as Dialect
from majlis.kit.http.incoming import Incoming as Incoming
from majlis.kit.http.request import Request as Request
from majlis.kit.http.request import Upload as Upload
from majlis.kit.http.routes import Answer as Answer
from majlis.kit.http.routes import Api as Api
from majlis.kit.http.routes import Listing as Listing
from majlis.kit.http.routes import PageQuery as PageQuery
from majlis.kit.http.routes import Route as Route
from majlis.kit.http.routes import listing as listing
from majlis.kit.http.server import Server as Server
from majlis.kit.http.server import Surface as Surface
from majlis.kit.http.sockets import Socket as Socket
