DROP TABLE availability;
