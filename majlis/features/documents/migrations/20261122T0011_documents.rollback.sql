DROP TABLE document_updates;
DROP TABLE document_people;
DROP TABLE documents;
