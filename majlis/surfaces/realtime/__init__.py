"""Sockets: /api/v1/ws (contracts/realtime.md) and /ws (the Hamsaya contract), and the hub of a process behind both."""
