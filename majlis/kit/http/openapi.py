"""OpenAPI 3.1 documents, one for each surface, from the same routes and annotations that serve it."""

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from types import NoneType
from typing import Any, get_args
from uuid import UUID

import msgspec

from majlis.kit import errors as refusals
from majlis.kit.errors import FieldFault, Refused
from majlis.kit.http.examples import Examples, uuid
from majlis.kit.http.request import Request
from majlis.kit.http.routes import Answer, Route
from majlis.kit.http.schemas import Schema, Schemas, used

JSON = "application/json"
FORM = "multipart/form-data"
FILE: Schema = {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# What a refusal of each status looks like; the surface puts it in its own shape.
REFUSALS: tuple[type[Refused], ...] = (
    refusals.Malformed,
    refusals.Unauthenticated,
    refusals.Forbidden,
    refusals.NotFound,
    refusals.MethodNotAllowed,
    refusals.Conflict,
    refusals.TooLarge,
    refusals.UnsupportedType,
    refusals.Invalid,
    refusals.Locked,
    refusals.RateLimited,
    refusals.NotBuilt,
    refusals.Unavailable,
)
KEY_PARAMETER: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Sent again with its key within 24 hours, a request is answered as before and done once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 64},
}
WAIT: Schema = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}},
}


def document(
    surface: Any,
    *,
    version: str,
    description: str = "",
    throttled: Callable[[Route], bool] = lambda route: True,
) -> dict[str, Any]:
    """The document of a surface; `throttled` says which routes count against limits.

    Raises TypeError for a route that does not say what it returns.
    """
    return _Document(surface, throttled).build(version, description)


def encode(document: dict[str, Any]) -> str:
    """The document as it is kept in a file."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


class _Document:
    def __init__(self, surface: Any, throttled: Callable[[Route], bool]) -> None:
        self.surface = surface
        self.throttled = throttled
        self.routes: list[Route] = [r for api in surface.apis for r in api.routes if r.documented]
        self.schemas = Schemas([*_types(surface, self.routes), surface.error_type])
        self._complete_answers()
        self.examples = Examples(self.schemas.components)
        self.statuses: set[int] = set()
        self.ids: set[str] = set()

    def build(self, version: str, description: str) -> dict[str, Any]:
        paths: dict[str, dict[str, Any]] = {}
        for route in sorted(self.routes, key=lambda r: (_path(r), METHODS.index(r.method))):
            path = self.surface.mount + _path(route)
            paths.setdefault(path, {})[route.method.lower()] = self._operation(route)
        responses = {_error_name(status): self._refusal(status) for status in sorted(self.statuses)}
        components = {
            "responses": dict(sorted(responses.items())),
            "parameters": {"IdempotencyKey": KEY_PARAMETER},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        }
        names = used([paths, components], self.schemas.components)
        schemas = {name: self.schemas.components[name] for name in sorted(names)}
        return {
            "openapi": "3.1.0",
            "info": {"title": self.surface.title, "version": version, "description": description},
            "servers": [{"url": "/"}],
            "tags": self._tags(),
            "paths": paths,
            "components": {"schemas": schemas, **components},
        }

    def _complete_answers(self) -> None:
        """What only answers hold is always there, whether or not the Struct has a default for it."""
        components = self.schemas.components
        sent = [self.schemas.of(kind) for r in self.routes for kind in (r.query_type, r.body_type) if kind]
        got = [self.schemas.of(kind) for r in self.routes for kind in _answers(self.surface, r)]
        for name in used(got, components) - used(sent, components):
            properties = components[name].get("properties", {})
            always = [field for field, schema in properties.items() if "default" in schema]
            components[name]["required"] = [
                field
                for field in properties
                if field in always or field in components[name].get("required", ())
            ]
            for field in always:
                del properties[field]["default"]

    def _tags(self) -> list[dict[str, str]]:
        """Each Api by its name, described by the surface, or else by the module that came first under it."""
        words: Mapping[str, str] = getattr(self.surface, "groups", {})
        modules: dict[str, str] = {}
        for route in self.routes:
            modules.setdefault(route.api, route.module)
        docs = {name: (sys.modules[module].__doc__ or "").strip() for name, module in modules.items()}
        return [
            {"name": name, "description": words.get(name) or docs[name].partition("\n\n")[0]}
            for name in sorted(docs)
        ]

    def _operation(self, route: Route) -> dict[str, Any]:
        summary, _, rest = (route.handler.__doc__ or "").strip().partition("\n")
        result: dict[str, Any] = {
            "operationId": self._id(route),
            "tags": [route.api],
            "summary": summary.replace("`", ""),  # no markup is read there
            "x-policy": route.policy.name,
        }
        if rest.strip():
            result["description"] = " ".join(rest.split())
        if route.limit is not None:
            result["x-rate-limit"] = route.limit
        parameters = [*_path_parameters(route), *self._query_parameters(route)]
        if route.idempotent:
            parameters.append({"$ref": "#/components/parameters/IdempotencyKey"})
        if parameters:
            result["parameters"] = parameters
        if route.needs_body or route.body_type is not None:
            result["requestBody"] = self._body(route)
        result["responses"] = self._responses(route)
        bearer: Schema = {"bearer": []}
        result["security"] = {"needed": [bearer], "optional": [{}, bearer], "ignored": []}[route.policy.token]
        return result

    def _id(self, route: Route) -> str:
        """Unique, and not changed by other routes unless one function serves several paths."""
        found = _words(f"{route.api} {route.handler.__name__}")
        if found in self.ids:
            found += "_" + _words(re.sub(r"^/(api/v\d+/)?", "", route.path))
        if found in self.ids:
            raise TypeError(f"{route}: another route has the id {found}")
        self.ids.add(found)
        return found

    def _query_parameters(self, route: Route) -> Iterator[Schema]:
        if route.query_type is None:
            return
        struct = self.schemas.resolve(self.schemas.of(route.query_type))
        for name, schema in struct["properties"].items():
            schema = _without_null(schema)
            parameter: Schema = {"name": name, "in": "query"}
            if "description" in schema:
                parameter["description"] = schema.pop("description")
            if name in struct.get("required", ()):
                parameter["required"] = True
            yield {**parameter, "schema": schema}

    def _body(self, route: Route) -> Schema:
        content: Schema = {}
        required = "file" in route.hints
        if route.max_files:
            form = self._form(route)
            content[FORM] = {"schema": form, "example": self.examples.of_request(form)}
        if route.body_type is not None:
            schema = self.schemas.of(route.body_type)
            required = required or bool(self.schemas.resolve(schema).get("required"))
            if not route.multipart_only:
                content[JSON] = {"schema": schema, "example": self.examples.of_request(schema)}
        return {"required": required, "content": content}

    def _form(self, route: Route) -> Schema:
        """The fields of the body and the files beside them."""
        fields: Schema = {"properties": {}, "required": []}
        if route.body_type is not None:
            fields = self.schemas.resolve(self.schemas.of(route.body_type))
        properties, required = dict(fields["properties"]), list(fields.get("required", ()))
        if "file" in route.hints:
            properties["file"] = FILE
            required.append("file")
        if "files" in route.hints:
            properties[_files_name(route)] = {"type": "array", "items": FILE, "maxItems": route.max_files}
        return {"type": "object", "properties": properties, **({"required": required} if required else {})}

    def _responses(self, route: Route) -> dict[str, Any]:
        refused = set(route.errors) | self._usual_errors(route)
        statuses = {self.surface.refusal_status(status) for status in refused}
        self.statuses |= statuses
        errors = {str(s): {"$ref": f"#/components/responses/{_error_name(s)}"} for s in sorted(statuses)}
        own = [_own_status(route), *([route.also] if route.also else [])]
        successes = {self.surface.success_status(status) for status in own}
        return {**{str(status): self._success(route, status) for status in sorted(successes)}, **errors}

    def _success(self, route: Route, status: int) -> Schema:
        if status == 204:
            return {"description": HTTPStatus(204).phrase}
        if route.content_type is not None:
            schema = {"type": "string"} if route.content_type.startswith("text/") else FILE
            return {
                "description": HTTPStatus(status).phrase,
                "content": {route.content_type: {"schema": schema}},
            }
        (kind,) = _answers(self.surface, route)
        schema = self.schemas.of(kind)
        doc = self.schemas.resolve(schema).get("description") or HTTPStatus(status).phrase
        body = {"schema": schema, "example": self.examples.of(schema)}
        return {"description": doc.partition("\n")[0], "content": {JSON: body}}

    def _usual_errors(self, route: Route) -> set[int]:
        policy = route.policy
        found = {
            400: route.query_type is not None or route.needs_body,
            401: policy.token != "ignored",
            403: policy.strong or policy.internal or policy.role is not None or policy.name == "owner",
            404: bool(route.path_names),
            413: route.needs_body,
            415: route.needs_body,
            422: route.query_type is not None or route.needs_body or route.idempotent,
            429: self.throttled(route),
        }
        return {status for status, happens in found.items() if happens}

    def _refusal(self, status: int) -> Schema:
        """A response that several operations share, with an example in the surface's own shape."""
        kinds = [kind for kind in REFUSALS if self.surface.refusal_status(kind.status) == status]
        refused = kinds[-1]() if kinds else Refused(HTTPStatus(status).phrase, status=status)
        if isinstance(refused, refusals.Invalid):
            refused.fields = (FieldFault("email", "required", "This field is required."),)
        headers = [(b"x-request-id", uuid("request").encode())]
        request = Request({"type": "http", "method": "GET", "path": "/", "headers": headers}, None)
        example = msgspec.to_builtins(self.surface.render(refused, request))
        body = {"schema": self.schemas.of(self.surface.error_type), "example": example}
        result: Schema = {"description": refused.detail, "content": {JSON: body}}
        return {**result, "headers": WAIT} if status in (423, 429, 503) else result


def _types(surface: Any, routes: list[Route]) -> Iterator[Any]:
    """Every type that the document has a schema for."""
    for route in routes:
        for kind in (route.query_type, route.body_type):
            if kind is not None:
                yield kind
        yield from _answers(surface, route)


def _answers(surface: Any, route: Route) -> Iterator[Any]:
    """The type of the body that a route answers with, if it does."""
    if surface.success_status(_own_status(route)) == 204 or route.content_type is not None:
        return
    if _own_status(route) == 204:
        yield surface.answer_type(None)
        return
    if route.returns in (None, Any) or route.returns is Answer:
        raise TypeError(f"{route}: annotate the Struct that it returns, or name its content_type")
    yield surface.answer_type(route.returns)


def _own_status(route: Route) -> int:
    return 204 if route.returns in (None, NoneType) and route.status == 200 else route.status


def _path(route: Route) -> str:
    return route.path.replace("...}", "}")


def _path_parameters(route: Route) -> Iterator[Schema]:
    for name in route.path_names:
        if route.hints[name] is UUID:
            schema: Schema = {"type": "string", "format": "uuid"}
            yield {"name": name, "in": "path", "required": True, "schema": schema, "example": uuid(name)}
        else:
            yield {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _files_name(route: Route) -> str:
    """`images`, or what `files: Annotated[list[Upload], "name"]` says."""
    return next((part for part in get_args(route.hints["files"])[1:] if isinstance(part, str)), "images")


def _without_null(schema: Schema) -> Schema:
    """A parameter that is not given is absent, never null."""
    result = {key: value for key, value in schema.items() if not (key == "default" and value is None)}
    if isinstance(result.get("type"), list):
        (result["type"],) = (kind for kind in result["type"] if kind != "null")
    if "enum" in result:
        result["enum"] = [value for value in result["enum"] if value is not None]
    options = [option for option in result.get("anyOf", ()) if option.get("type") != "null"]
    if len(options) == 1:
        del result["anyOf"]
        return {**result, **options[0]}
    return {**result, "anyOf": options} if options else result


def _error_name(status: int) -> str:
    return re.sub(r"\W", "", HTTPStatus(status).phrase.title())


def _words(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
