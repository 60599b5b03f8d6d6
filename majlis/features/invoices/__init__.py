"""Invoices and credit notes: numbered without gaps for each seller, and never changed."""
