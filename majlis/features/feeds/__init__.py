"""Lists of posts: feeds, searches, somebody's posts, bookmarks."""
