"""Believable values for documents: the same schema and field name always give the same value."""

import hashlib
from typing import Any

Schema = dict[str, Any]

DEEPEST = 8  # levels of a value; what lies below is null or empty
FEW = 4  # fields of a request's example that need not be there

# These win over an example of the schema, which several fields may share.
EXACT: dict[str, Any] = {
    "email": "amina@example.org",
    "first_name": "Amina",
    "last_name": "Ahmadi",
    "current_password": "Kabul-2025!",
    "new_password": "Kabul-2026!",
}
# By the field's name, where the schema has no example of its own.
USUAL: dict[str, Any] = {
    "Category.name": "Carpets",
    "Icon.library": "material",
    "Icon.name": "storefront",
    "Live.status": "ok",
    "Photo.name": "photo.webp",
    "about": "I bake bread in Karte Char.",
    "access_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "bio": "I bake bread in Karte Char.",
    "city": "Kabul",
    "code": "123456",
    "color": "#2e7d32",
    "components": {"database": "ok", "bus": "ok", "files": "ok"},
    "contact_no": "700123456",
    "content": "Fresh bread at the corner from six in the morning.",
    "country": "Afghanistan",
    "country_code": "+93",
    "currency": "AFN",
    "cursor": "Zm9sbG93aW5nLXBhZ2U",
    "description": "Fresh bread at the corner from six in the morning.",
    "details": "A few words more.",
    "device_info": {"platform": "android", "model": "Pixel 8"},
    "discount": "10.00",
    "distance_km": 1.4,
    "district": "Karte Char",
    "dob": "1994-03-21",
    "end_time": "20:00:00",
    "expires_in": 900,
    "gender": "female",
    "height": 900,
    "ip_address": "203.0.113.7",
    "lat": 34.5229,
    "limit": 20,
    "lng": 69.1404,
    "max_price": "5000.00",
    "message": "Done.",
    "mime_type": "image/webp",
    "min_price": "100.00",
    "mode": "development",
    "name": "Bakery at the corner",
    "neighborhood": "Pul-e Surkh",
    "next_cursor": "Zm9sbG93aW5nLXBhZ2U",
    "oauth_provider": "google",
    "offset": 0,
    "password": "Kabul-2026!",
    "path": "post/0193a5b2/photo.webp",
    "percent": 50.0,
    "phone": "+93700123456",
    "price": "1500.00",
    "province": "Kabul",
    "q": "bread",
    "radius_km": 10.0,
    "reason": "spam",
    "refresh_token": "kZ0tq2yYwX6mJmU0p8w1c5v3bN7hD9sE",
    "request_id": "0193a5b2-7c4e-7b1e-9b32-6f0d7c6a2e11",
    "size": 184320,
    "status": "active",
    "start_time": "18:00:00",
    "text": "Is there any left in the afternoon?",
    "title": "Fresh bread",
    "token": "kZ0tq2yYwX6mJmU0p8w1c5v3bN7hD9sE",
    "token_type": "Bearer",
    "trending_score": 12.5,
    "user_agent": "Hamsaya/2.1 (Android 15)",
    "username": "amina",
    "version": "0.1.0",
    "website": "https://example.org/amina",
    "width": 1600,
}
# The choice to show where one of several words is to be chosen; schemas hold them sorted, not in their order.
CHOICES = (
    "ok",
    "FEED",
    "PUBLIC",
    "recent",
    "relevance",
    "upcoming",
    "interested",
    "verified",
    "TOTP",
    "user",
)
FORMATS: dict[str, Any] = {
    "date": "2026-11-27",
    "date-time": "2026-11-21T08:30:00Z",
    "decimal": "1500.00",
    "duration": "PT15M",
    "email": "amina@example.org",
    "time-local": "18:00:00",
    "uri": "https://example.org/",
}


class Examples:
    """Makes values of the schemas of one document, whose components it knows."""

    def __init__(self, components: dict[str, Schema]) -> None:
        self._components = components

    def of(self, schema: Schema, name: str = "") -> Any:
        """A full value, as an answer would hold it."""
        return self._value(schema, name, "", ())

    def of_request(self, schema: Schema) -> Any:
        """A value to send: what is required, and a few plain fields that are not."""
        owner, found = self._resolve(schema)
        if found.get("type") != "object" or "properties" not in found:
            return self.of(schema)
        required = found.get("required", [])
        few = [name for name in found["properties"] if name not in required and self._plain(found, name)][
            :FEW
        ]
        return {
            name: self._value(part, name, owner, (owner,))
            for name, part in found["properties"].items()
            if name in required or name in few
        }

    def _plain(self, owner: Schema, name: str) -> bool:
        """Whether a field can be filled without knowing anything else: words, numbers, choices."""
        part = self._some(owner["properties"][name], ())
        if "$ref" in part or part.get("type") in ("array", "object"):
            return False
        return "format" not in part and bool("type" in part or "enum" in part)

    def _resolve(self, schema: Schema) -> tuple[str, Schema]:
        """(component's name or nothing, the schema itself)."""
        if "$ref" not in schema:
            return "", schema
        name = schema["$ref"].rpartition("/")[2]
        return name, self._components[name]

    def _some(self, schema: Schema, trail: tuple[str, ...]) -> Schema:
        """The first alternative that is not null and leads to nothing we are inside of already."""
        options = schema.get("anyOf")
        if isinstance(schema.get("type"), list):
            return {**schema, "type": next(kind for kind in schema["type"] if kind != "null")}
        if options is None:
            return schema
        for option in options:
            if option.get("type") != "null" and self._resolve(option)[0] not in trail:
                return {**{k: v for k, v in schema.items() if k != "anyOf"}, **option}
        return {"type": "null"}

    def _value(self, schema: Schema, name: str, owner: str, trail: tuple[str, ...]) -> Any:
        schema = self._some(schema, trail)
        component, found = self._resolve(schema)
        if component:
            trail = (*trail, component)
        if len(trail) > DEEPEST:
            return None
        kind = found.get("type")
        if "properties" in found:
            return {n: self._value(p, n, component, trail) for n, p in found["properties"].items()}
        if kind == "array":
            return self._items(found, name, owner, trail)
        return _scalar(found, name, owner)

    def _items(self, schema: Schema, name: str, owner: str, trail: tuple[str, ...]) -> list[Any]:
        if "prefixItems" in schema:
            return [self._value(part, name, owner, trail) for part in schema["prefixItems"]]
        item = schema.get("items", {})
        if self._resolve(item)[0] in trail:
            return []
        count = max(1, schema.get("minItems", 0))
        return [self._value(item, name.removesuffix("s"), owner, trail) for _ in range(count)]


def _scalar(schema: Schema, name: str, owner: str) -> Any:
    kind = schema.get("type")
    if kind == "null":
        return None
    if "enum" in schema:
        return schema.get("default") or next((c for c in CHOICES if c in schema["enum"]), schema["enum"][0])
    if name in EXACT and _fits(schema, EXACT[name]):
        return EXACT[name]
    if schema.get("examples"):
        return schema["examples"][0]
    if schema.get("format") == "uuid":
        return uuid(f"{owner}_{name}" if name == "id" else name)
    for key in (f"{owner}.{name}", name):
        if key in USUAL and _fits(schema, USUAL[key]):
            return USUAL[key]
    if kind == "string":
        return _text(schema, name)
    if kind in ("integer", "number"):
        return _number(schema, name)
    if kind == "boolean":
        return schema.get(
            "default", name.endswith(("verified", "complete", "current", "has_password", "status"))
        )
    if kind == "object":
        return {}
    return None


def _fits(schema: Schema, value: Any) -> bool:
    """Whether a value by name is one of this schema, as far as that can be told without a validator."""
    kind = schema.get("type")
    if kind == "string":
        fixed = "pattern" in schema or schema.get("format") in ("uuid", "binary", "date-time")
        return isinstance(value, str) and not fixed and len(value) <= schema.get("maxLength", len(value))
    if kind == "integer":
        return isinstance(value, int)
    if kind == "number":
        return isinstance(value, int | float)
    return kind is None or (kind == "object" and isinstance(value, dict))


def _text(schema: Schema, name: str) -> str:
    form = schema.get("format", "")
    if form in FORMATS:
        return str(FORMATS[form])
    if name.endswith(("url", "avatar", "cover", "photo", "link")):
        return f"https://example.org/media/{name.removesuffix('url').strip('_') or 'photo'}.webp"
    if name.endswith("_at"):
        return str(FORMATS["date-time"])
    text = name.replace("_", " ").strip() or "text"
    return text.ljust(schema.get("minLength", 0), ".")[: schema.get("maxLength", 100)]


def _number(schema: Schema, name: str) -> float:
    if "default" in schema and schema["default"] is not None:
        return schema["default"]  # type: ignore[no-any-return]
    value = 3 if name.startswith("total") or name.endswith(("count", "counts", "s")) else 1
    low, high = schema.get("minimum", value), schema.get("maximum", value)
    return min(max(value, low), high)  # type: ignore[no-any-return]


def uuid(key: str) -> str:
    """An identifier of version 7 that belongs to this key."""
    digest = hashlib.blake2b(key.lower().encode(), digest_size=10).hexdigest()
    return f"0193a5b2-7c4e-7{digest[:3]}-8{digest[3:6]}-{digest[6:18]}"
