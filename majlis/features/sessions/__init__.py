"""Sign-in: sessions, access and refresh tokens, and who a token stands for."""
