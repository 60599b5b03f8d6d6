DROP TABLE series_events;
DROP TABLE event_series;
