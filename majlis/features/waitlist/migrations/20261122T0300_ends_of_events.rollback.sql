ALTER TABLE waitlist_entries ADD COLUMN event_ends timestamptz;
UPDATE waitlist_entries w SET event_ends =
  (SELECT event_ends(p.start_date, p.end_date, p.end_time) AT TIME ZONE 'Asia/Kabul' FROM posts p WHERE p.id = w.post_id);
ALTER TABLE waitlist_entries ALTER COLUMN event_ends SET NOT NULL;
