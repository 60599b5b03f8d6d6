DROP TRIGGER messages_let_go ON messages;
DROP FUNCTION messages_let_go();
DROP TABLE message_files;
DROP FUNCTION message_files_count();
