DROP TABLE notification_unsubscribes;
DROP TABLE notification_digests;
