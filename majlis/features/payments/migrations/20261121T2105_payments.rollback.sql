DROP TABLE stripe_events;
DROP TABLE payment_refunds;
DROP TABLE payments;
