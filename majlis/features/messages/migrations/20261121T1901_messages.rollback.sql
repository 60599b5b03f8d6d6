DROP TABLE message_pins;
DROP TABLE message_reactions;
DROP TABLE message_edits;
DROP TABLE messages;
DROP FUNCTION messages_unsay();
