DROP TABLE business_profiles;
DROP TABLE business_categories;
