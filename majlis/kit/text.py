"""Words as they are searched for, and addresses as people write them."""

# The same letters as in the SQL function search_text of the kit's migration: forms of yeh, kaf and heh that
# keyboards write differently made one, vowel marks and lengthening strokes dropped.
_FOLD = str.maketrans(
    "\u064a\u0649\u0643\u0629\u06c0",
    "\u06cc\u06cc\u06a9\u0647\u0647",
    "\u0640\u064b\u064c\u064d\u064e\u064f\u0650\u0651\u0652\u0670",
)
MAX_WORDS = 16
# An address of a page, with or without https://, and nothing that a click would run, such as javascript:. Or nothing.
WEBSITE = r"^([hH][tT][tT][pP][sS]?://\S+|[^\s:/?#]+([/?#]\S*)?)?$"


def fold(text: str) -> str:
    """The text with the letters that search takes for the same made the same."""
    return text.translate(_FOLD)


def prefix_query(text: str) -> str:
    """A tsquery in which every word must begin some word. Quoted, so that nothing in it is an operator."""
    words = fold(text).replace("\\", " ").replace("'", "''").split()
    return " & ".join(f"'{word}':*" for word in words[:MAX_WORDS])


def tsquery(query: str) -> str:
    """SQL: a query of words that is given as text, by an expression for that.

    In parentheses with SELECT it is made once for a statement, not for every row that it is held against.
    """
    return f"(SELECT to_tsquery('simple', {query}))"
