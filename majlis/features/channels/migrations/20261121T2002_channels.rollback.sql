DROP TABLE channel_mentions;
DROP TABLE channel_preferences;
DROP TABLE channels;
