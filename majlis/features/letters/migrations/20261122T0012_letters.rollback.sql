DROP TABLE letter_reads;
