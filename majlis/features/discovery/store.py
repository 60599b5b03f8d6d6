"""SQL of the map: how much there is in each square, and what stands there."""

import msgspec

from majlis.features.businesses import service as businesses
from majlis.features.discovery.model import MapMarker
from majlis.features.graph.service import BLOCKED, MUTED
from majlis.features.posts import service as posts
from majlis.kit.db import Query

FOLD = Query(int, "SELECT map_fold($1)")
MEND = Query(int, "SELECT map_mend()")


class Counted(msgspec.Struct):
    """How many things a square holds, and the sums of their places in degrees."""

    x: int
    y: int
    count: int
    lng_sum: float
    lat_sum: float


# ---- how much there is. $1 is the viewer, $2 the level, $3 the shift from the finest grid to it, $4 and $5 the first
# and last columns of each span, $6 and $7 the first and last row, $8 the types, $9 the category, $10 words that the
# viewer mutes.


def _inside(x: str, y: str) -> str:
    spans = (f"{x} BETWEEN ($4::int[])[{n}] AND ($5::int[])[{n}]" for n in (1, 2))
    return f"({' OR '.join(spans)}) AND {y} BETWEEN $6 AND $7"


def _wanted(row: str) -> str:
    return f"($8::text[] IS NULL OR {row}.type = ANY ($8)) AND ($9::uuid IS NULL OR {row}.category_id = $9)"


# Whom the viewer mutes stands on no map of theirs.
_SEEN = f"{posts.LISTED} AND NOT p.user_id = ANY ({MUTED})"
_SHOWN = "p.is_location AND p.address_location IS NOT NULL"


def _read(muted: str) -> str:
    """Whether a post is by the viewer or has none of the words of a tsquery, which may be null."""
    return f"({muted}::text IS NULL OR p.user_id = $1 OR NOT p.search @@ to_tsquery('simple', {muted}))"


def _everybodys() -> str:
    """What everybody sees, in the squares and on its way there."""
    return f"""
  SELECT c.x, c.y, c.posts, c.lng_sum, c.lat_sum
  FROM unnest($4::int[], $5::int[]) AS span (west, east)
  CROSS JOIN generate_series($6::int >> $3, $7::int >> $3) AS line (y)
  JOIN map_cells c ON c.level = $2 AND c.y = line.y AND c.x BETWEEN span.west >> $3 AND span.east >> $3
  WHERE {_wanted("c")}
  UNION ALL
  SELECT h.x >> $3, h.y >> $3, h.posts, h.posts * h.place[0], h.posts * h.place[1] FROM map_changes h
  WHERE {_inside("h.x", "h.y")} AND {_wanted("h")}"""


def _less() -> str:
    """What everybody sees but this viewer: posts of people whom they mute or block, or are blocked by."""
    return f"""
  SELECT m.x >> $3, m.y >> $3, -1, -m.place[0], -m.place[1]
  FROM map_points m WHERE (m.user_id = ANY ({BLOCKED}) OR m.user_id = ANY ({MUTED}))
    AND {_inside("m.x", "m.y")} AND {_wanted("m")}"""


def _more(which: str) -> str:
    """What this viewer sees and not everybody: posts of their own and of people whom they follow."""
    return f"""
  SELECT at.x >> $3, at.y >> $3, 1, p.address_location[0], p.address_location[1]
  FROM profiles a JOIN posts p ON p.user_id = a.id AND p.deleted_at IS NULL AND {_SHOWN}
  CROSS JOIN LATERAL (SELECT map_x(p.address_location) AS x, map_y(p.address_location) AS y OFFSET 0) AS at
  WHERE a.id = ANY (ARRAY(SELECT following_id FROM user_follows WHERE follower_id = $1 UNION ALL SELECT $1))
    AND {which} AND {_inside("at.x", "at.y")} AND {_wanted("p")} AND {_SEEN} AND {_read("$10")}"""


POSTS = Query(
    Counted,
    f"""SELECT x, y, sum(posts)::int AS count, sum(lng_sum) AS lng_sum, sum(lat_sum) AS lat_sum
    FROM ({_everybodys()} UNION ALL {_less()} UNION ALL {_more("p.visibility <> 'PUBLIC'")}
      UNION ALL {_more("p.visibility = 'PUBLIC' AND a.is_private")}) AS part
    GROUP BY x, y HAVING sum(posts) > 0""",
)


_IN_BOX = "<@ box(point(part.west, part.south), point(part.east, part.north))"

# What everybody sees and this viewer does not want to read: as above, but $2 is the words, $10 how many rows are looked at.
MOST_UNREAD = 5_000
_UNREAD = """m.x >> $3 AS x, m.y >> $3 AS y, count(*)::int AS count,
    sum(m.place[0]) AS lng_sum, sum(m.place[1]) AS lat_sum"""
_UNREAD_HERE = f"""m.user_id IS DISTINCT FROM $1 AND NOT m.user_id = ANY ({BLOCKED}) AND NOT m.user_id = ANY ({MUTED})
    AND {_inside("m.x", "m.y")} AND {_wanted("m")} GROUP BY 1, 2"""
# By the index of words, wherever the posts stand.
UNREAD = Query(
    Counted,
    f"""SELECT {_UNREAD} FROM (SELECT id FROM posts WHERE search @@ to_tsquery('simple', $2) AND deleted_at IS NULL
      AND is_location LIMIT $10) AS p JOIN map_points m ON m.post_id = p.id WHERE {_UNREAD_HERE}""",
)
# By the index of places, where there are few. $11 to $14 are the sides of boxes that hold the squares.
UNREAD_NEAR = Query(
    Counted,
    f"""SELECT {_UNREAD} FROM unnest($11::float8[], $12::float8[], $13::float8[], $14::float8[])
      AS part (west, south, east, north)
    CROSS JOIN LATERAL (SELECT id, search FROM posts
      WHERE address_location {_IN_BOX} AND deleted_at IS NULL AND is_location LIMIT $10) AS p
    JOIN map_points m ON m.post_id = p.id WHERE p.search @@ to_tsquery('simple', $2) AND {_UNREAD_HERE}""",
)


# Businesses likewise; $2 is the category, $8 to $11 are the sides of boxes that hold the squares.
_KIND = """($2::uuid IS NULL OR b.id IN (
      SELECT business_profile_id FROM business_profile_categories WHERE business_category_id = $2))"""
_BOXES = "unnest($8::float8[], $9::float8[], $10::float8[], $11::float8[]) AS part (west, south, east, north)"
BUSINESSES = Query(
    Counted,
    f"""SELECT at.x >> $3 AS x, at.y >> $3 AS y, count(*)::int AS count,
      sum(b.address_location[0]) AS lng_sum, sum(b.address_location[1]) AS lat_sum
    FROM {_BOXES} JOIN business_profiles b ON b.address_location {_IN_BOX} JOIN profiles o ON o.id = b.user_id
    CROSS JOIN LATERAL (SELECT map_x(b.address_location) AS x, map_y(b.address_location) AS y OFFSET 0) AS at
    WHERE {_inside("at.x", "at.y")} AND b.show_location AND {_KIND} AND {businesses.LISTED} GROUP BY 1, 2""",
)


# ---- what stands there

_POST = """p.id, 'post' AS kind, p.type, p.address_location AS location,
  coalesce(p.title, left(p.description, 80)) AS title, p.attachments -> 0 -> 'photo' ->> 'thumbnail_url' AS thumbnail_url,
  p.category_id, p.price, p.currency, CASE p.type WHEN 'SELL' THEN p.free END AS free, p.start_date"""
_BUSINESS = """b.id, 'business' AS kind, NULL::text AS type, b.address_location AS location, b.name AS title,
  b.avatar ->> 'thumbnail_url' AS thumbnail_url, NULL::uuid AS category_id, NULL::numeric AS price,
  NULL::text AS currency, NULL::boolean AS free, NULL::date AS start_date"""
_POST_ROWS = "posts p JOIN profiles a ON a.id = p.user_id"

# What has a square for itself: $1 the viewer, $2 the shift, $3 to $8 columns, rows and the sides of the squares, $9
# the category, $10 the types of posts, $11 words that the viewer mutes.
_SQUARES = """unnest($3::int[], $4::int[], $5::float8[], $6::float8[], $7::float8[], $8::float8[])
      AS part (x, y, west, south, east, north)"""
POST_IN = Query(
    MapMarker,
    f"""SELECT found.* FROM {_SQUARES}
    CROSS JOIN LATERAL (SELECT {_POST}, NULL::float8 AS distance_km FROM {_POST_ROWS}
      WHERE p.address_location {_IN_BOX} AND {_SHOWN} AND {_SEEN} AND {_read("$11")}
        AND ($9::uuid IS NULL OR p.category_id = $9) AND ($10::text[] IS NULL OR p.type = ANY ($10))
        AND map_x(p.address_location) >> $2 = part.x AND map_y(p.address_location) >> $2 = part.y
      LIMIT 1) AS found""",
)
BUSINESS_IN = Query(
    MapMarker,
    f"""SELECT found.* FROM {_SQUARES}
    CROSS JOIN LATERAL (SELECT {_BUSINESS}, NULL::float8 AS distance_km
      FROM business_profiles b JOIN profiles o ON o.id = b.user_id
      WHERE b.address_location {_IN_BOX} AND b.show_location AND {businesses.LISTED}
        AND ($9::uuid IS NULL OR b.id IN (
          SELECT business_profile_id FROM business_profile_categories WHERE business_category_id = $9))
        AND map_x(b.address_location) >> $2 = part.x AND map_y(b.address_location) >> $2 = part.y
      LIMIT 1) AS found""",
)

# The nearest of boxes: $1 the viewer, $2 to $5 the sides of boxes, $6 for each the longitude to measure from, $7 the
# middle, $8 the radius of the circle or null, $9 the category, $10 how many, $11 the types of posts, $12 words that the
# viewer mutes.
_PARTS = """unnest($2::float8[], $3::float8[], $4::float8[], $5::float8[], $6::float8[])
    AS part (west, south, east, north, lng)"""


def _nearest(
    columns: str, table: str, row: str, join: str, shown: str, place: str, which: str
) -> Query[MapMarker]:
    """Markers by their distance from the middle.

    The index brings rows in the order of degrees. PostgreSQL takes any box for so small that it would rather sort
    what it holds; so the first rows are looked through, wherever they lie, and the boxes only where that is not enough.
    """
    distance = f"distance_km({place}, $7)"
    wanted = f"($8::float8 IS NULL OR {distance} <= $8) AND {shown} AND {which}"
    return Query(
        MapMarker,
        f"""WITH few AS MATERIALIZED (
      SELECT {columns}, {distance} AS distance_km FROM {_PARTS}
      CROSS JOIN LATERAL (SELECT * FROM {table} {row} WHERE {row}.deleted_at IS NULL AND {shown}
        ORDER BY {place} <-> point(part.lng, ($7::point)[1]) LIMIT 3 * $10::int) AS {row}
      {join} WHERE {place} {_IN_BOX} AND {wanted} ORDER BY distance_km, {row}.id LIMIT $10)
    SELECT * FROM few WHERE (SELECT count(*) FROM few) >= $10
    UNION ALL (
      SELECT {columns}, {distance} AS distance_km FROM {_PARTS}
      JOIN {table} {row} ON {place} {_IN_BOX} {join}
      WHERE {wanted} AND (SELECT count(*) FROM few) < $10 ORDER BY distance_km, {row}.id LIMIT $10)""",
    )


NEAREST_POSTS = _nearest(
    _POST,
    "posts",
    "p",
    "JOIN profiles a ON a.id = p.user_id",
    _SHOWN,
    "p.address_location",
    f"""($11::text[] IS NULL OR p.type = ANY ($11)) AND ($9::uuid IS NULL OR p.category_id = $9)
      AND {_SEEN} AND {_read("$12")}""",
)
NEAREST_BUSINESSES = _nearest(
    _BUSINESS,
    "business_profiles",
    "b",
    "JOIN profiles o ON o.id = b.user_id",
    "b.show_location AND b.address_location IS NOT NULL",
    "b.address_location",
    f"""($9::uuid IS NULL OR b.id IN (
        SELECT business_profile_id FROM business_profile_categories WHERE business_category_id = $9))
      AND {businesses.LISTED}""",
)
