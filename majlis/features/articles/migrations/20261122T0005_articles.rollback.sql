DROP TABLE article_slugs;
DROP TABLE articles;
