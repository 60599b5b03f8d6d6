DROP TABLE check_ins;
DROP TABLE admission_keys;
