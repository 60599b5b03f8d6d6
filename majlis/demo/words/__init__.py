"""The phrasebooks of the demo town, by language."""

from majlis.demo.words.dari import DARI
from majlis.demo.words.english import ENGLISH
from majlis.demo.words.pashto import PASHTO
from majlis.demo.words.phrasebook import Phrasebook
from majlis.demo.words.russian import RUSSIAN

BOOKS: dict[str, Phrasebook] = {"dari": DARI, "pashto": PASHTO, "english": ENGLISH, "russian": RUSSIAN}
