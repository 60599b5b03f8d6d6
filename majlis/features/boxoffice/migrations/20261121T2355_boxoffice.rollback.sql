DROP FUNCTION box_office_wait(uuid, uuid, int, int);
DROP TABLE ticket_types;
DROP TABLE box_offices;
