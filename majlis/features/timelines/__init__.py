"""Lists of short posts: home, explore, trending, by author, by label."""
