DROP TABLE privacy_settings;
