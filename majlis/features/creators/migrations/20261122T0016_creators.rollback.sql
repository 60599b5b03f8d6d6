DROP TABLE author_subscribers;
