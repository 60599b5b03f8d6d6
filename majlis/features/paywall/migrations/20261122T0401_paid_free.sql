-- A paid post may become a free one: what is behind its paywall is for everybody then, until it is a paid one again.
ALTER TABLE paid_posts ADD free boolean NOT NULL DEFAULT false;
