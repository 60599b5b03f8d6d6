"""SQL of the map: how much there is in each square, and what stands there."""

import msgspec

from majlis.features.businesses import service as businesses
from majlis.features.discovery.model import MapMarker
from majlis.features.graph.service import BLOCKED, MUTED
from majlis.features.posts import service as posts
from majlis.kit.db import Query
from majlis.kit.text import tsquery

FOLD = Query(int, "SELECT map_fold($1)")
MEND = Query(int, "SELECT map_mend()")


class Counted(msgspec.Struct):
    """How many posts or businesses a square holds, and the sums of their places in degrees."""

    is_posts: bool
    x: int
    y: int
    count: int
    lng_sum: float
    lat_sum: float


# One plan serves all callers. PostgreSQL keeps it while it is hardly dearer than a plan for the arguments of one call,
# so what would make that one look cheaper is hidden behind SELECT: how long an array is, that something is null.

# ---- how much there is, in squares of one span of columns. $1 is the viewer, $2 the shift from the finest grid to the
# level, $3 and $4 the first and last column, $5 and $6 the first and last row, $7 the category, $8 to $11 the sides of a
# box that holds the squares; of posts $12 the types, $13 words that the viewer mutes, $14 the level, $15 its rows.


def _inside(x: str, y: str) -> str:
    return f"{x} BETWEEN $3 AND $4 AND {y} BETWEEN $5 AND $6"


def _wanted(row: str) -> str:
    return f"($12::text[] IS NULL OR {row}.type = ANY ($12)) AND ($7::uuid IS NULL OR {row}.category_id = $7)"


# Whom the viewer mutes stands on no map of theirs.
_SEEN = f"{posts.LISTED} AND NOT p.user_id = ANY ({MUTED})"
_SHOWN = "p.is_location AND p.address_location IS NOT NULL"
_CIRCLE = "ARRAY(SELECT following_id FROM user_follows WHERE follower_id = $1 UNION ALL SELECT $1)"
_BOX = "box(point($8::float8, $9::float8), point($10::float8, $11::float8))"


def _read(muted: str) -> str:
    """Whether a post is by the viewer or has none of the words of a tsquery, which may be null."""
    return f"({muted}::text IS NULL OR p.user_id = $1 OR NOT p.search @@ {tsquery(muted)})"


def _everybodys() -> str:
    """What everybody sees, in the squares and on its way there."""
    return f"""
  SELECT c.x, c.y, c.posts, c.lng_sum, c.lat_sum FROM map_cells c
  WHERE c.level = $14 AND c.y = ANY ($15::int[]) AND c.x BETWEEN $3::int >> $2 AND $4::int >> $2 AND {_wanted("c")}
  UNION ALL
  SELECT h.x >> $2, h.y >> $2, h.posts, h.posts * h.place[0], h.posts * h.place[1] FROM map_changes h
  WHERE {_inside("h.x", "h.y")} AND {_wanted("h")}"""


def _less() -> str:
    """What everybody sees but this viewer: posts of people whom they mute or block, or are blocked by."""
    return f"""
  SELECT m.x >> $2, m.y >> $2, -1, -m.place[0], -m.place[1]
  FROM map_points m WHERE (m.user_id = ANY ({BLOCKED}) OR m.user_id = ANY ({MUTED}))
    AND {_inside("m.x", "m.y")} AND {_wanted("m")}"""


def _more(whose: str, which: str) -> str:
    """What this viewer sees and not everybody: posts of their own and of people whom they follow."""
    # The box is asked for by its sides, lest the index of places be used: there are few posts of these people.
    return f"""
  SELECT at.x >> $2, at.y >> $2, 1, p.address_location[0], p.address_location[1]
  FROM profiles a JOIN posts p ON p.user_id = a.id AND p.deleted_at IS NULL AND {_SHOWN}
  CROSS JOIN LATERAL (SELECT map_x(p.address_location) AS x, map_y(p.address_location) AS y OFFSET 0) AS at
  WHERE {whose} = ANY ({_CIRCLE}) AND {which}
    AND p.address_location[0] BETWEEN $8 AND $10 AND p.address_location[1] BETWEEN $9 AND $11
    AND {_inside("at.x", "at.y")} AND {_wanted("p")} AND {_SEEN} AND {_read("$13")}"""


_POSTS = f"""SELECT true AS is_posts, x, y, sum(posts)::int AS count, sum(lng_sum) AS lng_sum, sum(lat_sum) AS lat_sum
    FROM ({_everybodys()} UNION ALL {_less()} UNION ALL {_more("p.user_id", "p.visibility <> 'PUBLIC'")}
      UNION ALL {_more("a.id", "p.visibility = 'PUBLIC' AND a.is_private")}) AS part
    GROUP BY x, y HAVING sum(posts) > 0"""


def _of_kind(category: str) -> str:
    """Whether a business has a category, which may be null."""
    return f"""({category} IS NULL OR b.id IN (
      SELECT business_profile_id FROM business_profile_categories WHERE business_category_id = {category}))"""


_BUSINESSES = f"""SELECT false AS is_posts, at.x >> $2 AS x, at.y >> $2 AS y, count(*)::int AS count,
      sum(b.address_location[0]) AS lng_sum, sum(b.address_location[1]) AS lat_sum
    FROM business_profiles b JOIN profiles o ON o.id = b.user_id
    CROSS JOIN LATERAL (SELECT map_x(b.address_location) AS x, map_y(b.address_location) AS y OFFSET 0) AS at
    WHERE b.address_location <@ {_BOX} AND {_inside("at.x", "at.y")} AND b.show_location AND {_of_kind("$7::uuid")}
      AND {businesses.LISTED} GROUP BY at.x >> $2, at.y >> $2"""

# By whether posts, and whether businesses are wanted.
SQUARES = {
    (True, False): Query(Counted, _POSTS),
    (False, True): Query(Counted, _BUSINESSES),
    (True, True): Query(Counted, f"{_POSTS} UNION ALL {_BUSINESSES}"),
}

# What everybody sees and this viewer does not want to read: as above, but $14 is how many rows are looked at, by words.
MOST_UNREAD = 5_000
_UNREAD = """true AS is_posts, m.x >> $2 AS x, m.y >> $2 AS y, count(*)::int AS count,
    sum(m.place[0]) AS lng_sum, sum(m.place[1]) AS lat_sum"""
_UNREAD_HERE = f"""m.user_id IS DISTINCT FROM $1 AND NOT m.user_id = ANY ({BLOCKED}) AND NOT m.user_id = ANY ({MUTED})
    AND {_inside("m.x", "m.y")} AND m.place <@ {_BOX} AND {_wanted("m")} GROUP BY m.x >> $2, m.y >> $2"""
# By the index of words, wherever the posts stand.
UNREAD = Query(
    Counted,
    f"""SELECT {_UNREAD} FROM (SELECT id FROM posts WHERE search @@ to_tsquery('simple', $13) AND deleted_at IS NULL
      AND is_location LIMIT $14) AS p JOIN map_points m ON m.post_id = p.id WHERE {_UNREAD_HERE}""",
)
# By the index of places, where there are few. All are looked at: what others do not see stands among them.
UNREAD_NEAR = Query(
    Counted,
    f"""SELECT {_UNREAD} FROM (SELECT id, search FROM posts
      WHERE address_location <@ {_BOX} AND deleted_at IS NULL AND is_location OFFSET 0) AS p
    JOIN map_points m ON m.post_id = p.id
    WHERE p.search @@ {tsquery("$13")} AND {_UNREAD_HERE}""",
)


# ---- what stands there

_IN_BOX = "<@ box(point(part.west, part.south), point(part.east, part.north))"
_POST = """p.id, 'post' AS kind, p.type, p.address_location AS location,
  coalesce(p.title, left(p.description, 80)) AS title, p.attachments -> 0 -> 'photo' ->> 'thumbnail_url' AS thumbnail_url,
  p.category_id, p.price, p.currency, CASE p.type WHEN 'SELL' THEN p.free END AS free, p.start_date"""
_BUSINESS = """b.id, 'business' AS kind, NULL::text AS type, b.address_location AS location, b.name AS title,
  b.avatar ->> 'thumbnail_url' AS thumbnail_url, NULL::uuid AS category_id, NULL::numeric AS price,
  NULL::text AS currency, NULL::boolean AS free, NULL::date AS start_date"""
_POST_ROWS = "posts p JOIN profiles a ON a.id = p.user_id"

# What has a square for itself: $1 the viewer, $2 the shift, $3 to $8 columns, rows and the sides of the squares, $9
# the category, $10 the types of posts, $11 words that the viewer mutes.
_SQUARES = """unnest((SELECT $3::int[]), (SELECT $4::int[]), (SELECT $5::float8[]), (SELECT $6::float8[]),
      (SELECT $7::float8[]), (SELECT $8::float8[])) AS part (x, y, west, south, east, north)"""
_CATEGORY, _TYPES, _WORDS = "(SELECT $9::uuid)", "(SELECT $10::text[])", "(SELECT $11::text)"
POST_IN = Query(
    MapMarker,
    f"""SELECT found.* FROM {_SQUARES}
    CROSS JOIN LATERAL (SELECT {_POST}, NULL::float8 AS distance_km FROM {_POST_ROWS}
      WHERE p.address_location {_IN_BOX} AND {_SHOWN} AND {_SEEN} AND {_read(_WORDS)}
        AND ({_CATEGORY} IS NULL OR p.category_id = {_CATEGORY})
        AND ({_TYPES} IS NULL OR p.type = ANY ({_TYPES}::text[]))
        AND map_x(p.address_location) >> $2 = part.x AND map_y(p.address_location) >> $2 = part.y
      LIMIT 1) AS found""",
)
BUSINESS_IN = Query(
    MapMarker,
    f"""SELECT found.* FROM {_SQUARES}
    CROSS JOIN LATERAL (SELECT {_BUSINESS}, NULL::float8 AS distance_km
      FROM business_profiles b JOIN profiles o ON o.id = b.user_id
      WHERE b.address_location {_IN_BOX} AND b.show_location AND {businesses.LISTED}
        AND {_of_kind(_CATEGORY)}
        AND map_x(b.address_location) >> $2 = part.x AND map_y(b.address_location) >> $2 = part.y
      LIMIT 1) AS found""",
)

# The nearest of a box: $1 the viewer, $2 to $5 the sides of the box, $6 the longitude to measure from, $7 the middle, $8
# the radius of the circle or null, $9 the category, $10 how many, $11 the types of posts, $12 words that the viewer mutes.


def _nearest(
    columns: str, table: str, row: str, join: str, shown: str, place: str, which: str
) -> Query[MapMarker]:
    """Markers by their distance from the middle.

    What a box holds is sorted. Where that is much, the index brings rows in the order of degrees: the first of them are
    looked through, wherever they lie, and the whole box only where that is not enough.
    """
    there = f"{row}.deleted_at IS NULL AND {shown}"
    inside = f"{place} <@ box(point($2::float8, $3::float8), point($4::float8, $5::float8))"
    distance, first = f"distance_km({place}, $7)", "LIMIT (SELECT 3 * $10::int)"
    radius = "(SELECT $8::float8)"
    wanted = f"({radius} IS NULL OR {distance} <= {radius}) AND {shown} AND {which}"
    return Query(
        MapMarker,
        f"""WITH held AS MATERIALIZED (
      SELECT count(*) >= 3 * $10::int AS much FROM (SELECT FROM {table} {row} WHERE {there} AND {inside} {first}) AS part),
    few AS MATERIALIZED (
      SELECT {columns}, {distance} AS distance_km FROM (SELECT * FROM {table} {row} WHERE {there}
        ORDER BY {place} <-> point($6::float8, ($7::point)[1]) {first}) AS {row}
      {join} WHERE (SELECT much FROM held) AND {inside} AND {wanted} ORDER BY distance_km, {row}.id LIMIT (SELECT $10::int))
    SELECT * FROM few WHERE (SELECT count(*) FROM few) >= $10
    UNION ALL (
      SELECT {columns}, {distance} AS distance_km FROM {table} {row} {join}
      WHERE {inside} AND {wanted} AND (SELECT count(*) FROM few) < $10
      ORDER BY distance_km, {row}.id LIMIT (SELECT $10::int))""",
    )


_KINDS = "(SELECT $11::text[])"
NEAREST_POSTS = _nearest(
    _POST,
    "posts",
    "p",
    "JOIN profiles a ON a.id = p.user_id",
    _SHOWN,
    "p.address_location",
    f"""({_KINDS} IS NULL OR p.type = ANY ({_KINDS}::text[]))
      AND ({_CATEGORY} IS NULL OR p.category_id = {_CATEGORY}) AND {_SEEN} AND {_read("(SELECT $12::text)")}""",
)
NEAREST_BUSINESSES = _nearest(
    _BUSINESS,
    "business_profiles",
    "b",
    "JOIN profiles o ON o.id = b.user_id",
    "b.show_location AND b.address_location IS NOT NULL",
    "b.address_location",
    f"{_of_kind(_CATEGORY)} AND {businesses.LISTED}",
)
