"""Categories of goods; their rows belong to posts, whose function writes them."""

from majlis.features.posts.model import SellCategory
from majlis.kit.db import Query

_COLUMNS = "id, name, icon, color, status, created_at"

CATEGORY = Query(SellCategory, f"SELECT {_COLUMNS} FROM sell_categories WHERE id = $1 FOR NO KEY UPDATE")
PUT_CATEGORY = Query(SellCategory, f"SELECT {_COLUMNS} FROM sell_category_put($1, $2, $3, $4, $5)")
