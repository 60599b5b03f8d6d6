"""`majlis new feature`: what it writes passes every check untouched, on a copy of the project."""

from pathlib import Path

import pytest

from majlis import scaffold
from tests.checkouts import copied, passing, run

NAME = "market_stalls"


@pytest.fixture(scope="module")
def copy(scratch: Path) -> Path:
    """The project with a new feature in it."""
    folder = copied(scratch / "checkout")
    run(folder, "majlis", "new", "feature", NAME)
    return folder


def test_the_checks_pass(copy: Path) -> None:
    ours = [f"majlis/features/{NAME}", f"tests/features/{NAME}"]
    run(copy, "ruff", "check", *ours)
    run(copy, "ruff", "format", "--check", *ours)
    run(copy, "mypy", f"majlis/features/{NAME}")
    run(copy, "majlis", "openapi")
    run(copy, "majlis", "openapi", "--check")
    assert "/api/v1/market-stalls/{market_stall_id}" in (copy / "docs/openapi.json").read_text()


def test_it_stands_on_its_tier(copy: Path) -> None:
    tiers = (copy / "pyproject.toml").read_text()
    (tier,) = [line for line in tiers.splitlines() if "(reactions)" in line]
    assert tier.endswith(f' | ({NAME})",')
    (listed,) = [
        line for line in (copy / "docs/architecture.md").read_text().splitlines() if "| reactions |" in line
    ]
    assert listed.endswith(f" | {NAME}")


def test_its_own_tests_pass_and_the_house_rules_hold(copy: Path) -> None:
    """Its imports, its SQL and its tables, and who may call its routes."""
    files = [
        f"tests/features/{NAME}",
        "tests/test_architecture.py",
        "tests/test_sql.py",
        "tests/test_access.py",
    ]
    said = passing(copy, *files, "-k", "market-stalls or not (stay_small or test_access)")
    for file, least in zip(files, (2, 2, 2, 4), strict=True):
        assert said.count(f"PASSED {file}") >= least, said
    assert said.count("PASSED tests/test_access.py") == 4 and "FAILED" not in said


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A checkout with as much in it as writing needs."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "majlis/features/posts/migrations").mkdir(parents=True)
    (tmp_path / "majlis/features/posts/migrations/20260101T0000_posts.sql").write_text(
        "CREATE TABLE shops (id int);"
    )
    (tmp_path / "pyproject.toml").write_text('layers = [\n  "(comments) | (badges)",\n  "(posts)",\n]\n')
    (tmp_path / "docs/architecture.md").write_text("Tiers:\n\n```\ncomments | badges\nposts\n```\n")
    (tmp_path / "tests/access.txt").write_text(
        "METHOD PATH            anonymous     other\nGET    /  200 200\n"
    )
    return tmp_path


def test_the_tier_of_another_feature_can_be_chosen(small: Path) -> None:
    scaffold.feature(small, "parcels", "posts")
    assert '  "(posts) | (parcels)",' in (small / "pyproject.toml").read_text()
    assert "\nposts | parcels\n" in (small / "docs/architecture.md").read_text()
    assert "class ParcelCreate" in (small / "majlis/features/parcels/model.py").read_text()
    assert "GET    /api/v1/parcels" in (small / "tests/access.txt").read_text()


def test_its_tables_come_behind_all_others(small: Path) -> None:
    """Also where the clock is behind the newest migration: a database made anew has those tables by then."""
    posts = small / "majlis/features/posts/migrations"
    (posts / "20991231T2359_later.sql").write_text("")
    (posts / "notes.sql").write_text("")
    scaffold.feature(small, "parcels", "posts")
    made = sorted(path.name for path in (small / "majlis/features/parcels/migrations").iterdir())
    assert made == ["21000101T0000_parcels.rollback.sql", "21000101T0000_parcels.sql"]


def test_a_name_that_has_its_tier_keeps_it(small: Path) -> None:
    before = (small / "pyproject.toml").read_text()
    scaffold.feature(small, "badges", "posts")
    assert (small / "pyproject.toml").read_text() == before


@pytest.mark.parametrize(
    "name, beside, why",
    [
        ("posts", "comments", "exists"),
        ("shops", "comments", "table shops"),
        ("Badges", "comments", "small letters"),
        ("7ups", "comments", "small letters"),
        ("../evil", "comments", "small letters"),
        ("lambda", "comments", "small letters"),
        ("a" * 31, "comments", "too long"),
        ("parcels", "nothing", "No tier"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    small: Path, name: str, beside: str, why: str
) -> None:
    before = sorted(small.rglob("*"))
    with pytest.raises(scaffold.Refusal, match=why):
        scaffold.feature(small, name, beside)
    assert sorted(small.rglob("*")) == before


@pytest.mark.parametrize(
    "plural, singular",
    [
        ("badges", "badge"),
        ("parties", "party"),
        ("boxes", "box"),
        ("churches", "church"),
        ("news_items", "news_item"),
    ],
)
def test_nouns_are_put_into_the_singular(plural: str, singular: str) -> None:
    assert scaffold._singular(plural) == singular
