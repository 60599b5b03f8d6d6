"""Words as they are searched for."""

from majlis.kit import text
from tests.world import World


def test_python_and_sql_fold_the_same_letters(world: World) -> None:
    samples = ["كِتابٌ عَلى مكتبة", "یک ښه کور", "كـــتاب", "Хлеб", "bread", "خانۀ ما"]
    for sample in samples:
        assert world.sql("SELECT search_text($1) AS folded", sample) == [{"folded": text.fold(sample)}]


def test_nothing_in_a_query_is_an_operator(world: World) -> None:
    for hostile in ("a & b | !c", "' | 'x", "a:*", "\\", "<->", "(", "x" * 3000, "a " * 100, "'"):
        world.sql("SELECT to_tsquery('simple', $1)::text AS query", text.prefix_query(hostile))
