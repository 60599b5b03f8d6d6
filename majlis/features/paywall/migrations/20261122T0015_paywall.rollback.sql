DROP TABLE paywall_lapses;
DROP TABLE purchases;
DROP TABLE paywall_authors;
DROP TABLE paid_media;
DROP TABLE paid_posts;
