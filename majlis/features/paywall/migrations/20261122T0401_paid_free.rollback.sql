ALTER TABLE paid_posts DROP free;
