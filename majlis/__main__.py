"""`python -m majlis` is the command `majlis`."""

from majlis.cli import main

main()
