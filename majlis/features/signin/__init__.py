"""The second step of signing in, and signing in by a passkey: where factors, sessions and people meet."""
