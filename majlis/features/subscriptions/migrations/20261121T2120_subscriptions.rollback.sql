DROP TABLE subscriptions;
DROP TABLE subscription_customers;
DROP TABLE subscription_prices;
