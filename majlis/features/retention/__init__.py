"""How long a workspace keeps what was said there."""
