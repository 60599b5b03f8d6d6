DROP TABLE invoices;
DROP FUNCTION invoices_keep();
DROP TABLE invoice_numbers;
