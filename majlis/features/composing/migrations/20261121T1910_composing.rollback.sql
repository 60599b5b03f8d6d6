DROP TABLE scheduled_messages;
DROP TABLE message_drafts;
