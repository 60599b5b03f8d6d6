DROP TABLE library_items;
