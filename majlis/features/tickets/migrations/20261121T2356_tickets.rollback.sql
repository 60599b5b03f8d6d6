DROP TABLE ticket_transfers;
DROP TABLE tickets;
