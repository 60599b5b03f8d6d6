DROP TABLE socket_presence;
DROP TABLE socket_tickets;
