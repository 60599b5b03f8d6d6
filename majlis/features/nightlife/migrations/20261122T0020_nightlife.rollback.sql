DROP TABLE nightlife_events;
DROP TABLE nightlife_people;
