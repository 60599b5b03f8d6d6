#!/bin/sh
# Measures every list route, then what the database alone can do of each: see README.md. The data is made once and
# kept (in BENCH_DIR, else the temporary folder). Options are those of bench/run.sh; --fresh makes the data anew.
set -eu
cd "$(dirname "$0")/.."
kinds=feed,nearby,trending,comments,wall,search,markers,notifications
BENCH_DIR="${BENCH_DIR:-${TMPDIR:-/tmp}/bench-lists}"
export BENCH_DIR
mkdir -p "$BENCH_DIR"
bench/run.sh --mixed --no-reference --worker off --starts 0 --kinds "$kinds" "$@"
exec "${BENCH_PYTHON:-.venv/bin/python}" -P bench/ceilings.py --kinds "$kinds"
