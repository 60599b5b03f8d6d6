#!/bin/sh
# Measures Majlis; see README.md. Options: bench/run.sh --help
set -eu
cd "$(dirname "$0")/.."
command -v wrk > /dev/null || { echo "wrk is missing; on Debian and Ubuntu: apt install wrk" >&2; exit 1; }
exec "${BENCH_PYTHON:-.venv/bin/python}" -P bench/run.py "$@"
