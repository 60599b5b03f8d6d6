DROP FUNCTION attachment_carried(uuid, int);
DROP TABLE attachments;
DROP TABLE attachment_spaces;
