-- Businesses, each of one owner, and the categories to choose from.

CREATE TABLE business_profiles (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
  license_no text CHECK (length(license_no) <= 100),
  description text,
  address text,
  phone_number text CHECK (length(phone_number) <= 20),
  email text CHECK (length(email) <= 255),
  website text CHECK (length(website) <= 255),
  avatar jsonb,
  cover jsonb,
  status boolean NOT NULL DEFAULT true,
  additional_info text,
  address_location point,
  country text CHECK (length(country) <= 100),
  province text CHECK (length(province) <= 100),
  district text CHECK (length(district) <= 100),
  neighborhood text CHECK (length(neighborhood) <= 100),
  show_location boolean NOT NULL DEFAULT true,
  total_views int NOT NULL DEFAULT 0 CHECK (total_views >= 0),
  total_follow int NOT NULL DEFAULT 0 CHECK (total_follow >= 0),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz
);
CREATE INDEX business_profiles_user ON business_profiles (user_id) WHERE deleted_at IS NULL;
CREATE INDEX business_profiles_location ON business_profiles USING gist (address_location) WHERE deleted_at IS NULL;

CREATE TABLE business_categories (
  id uuid PRIMARY KEY,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  is_active boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX business_categories_name ON business_categories (lower(name));

-- A set to begin with; operators change it.
INSERT INTO business_categories (id, name)
SELECT gen_random_uuid(), name FROM unnest(ARRAY[
  'Bakery', 'Barber', 'Beauty salon', 'Bookshop', 'Butcher', 'Café', 'Car repair', 'Carpenter', 'Carpets and rugs',
  'Clothing', 'Construction', 'Consulting', 'Courier', 'Dentist', 'Doctor', 'Electrician', 'Electronics',
  'Event hall', 'Furniture', 'Gardening', 'Grocery', 'Gym', 'Hardware store', 'Hotel', 'Internet and IT',
  'Jewellery', 'Kindergarten', 'Laundry', 'Legal services', 'Mobile phones', 'Money exchange', 'Pharmacy',
  'Photography', 'Plumber', 'Printing', 'Real estate', 'Restaurant', 'School and courses', 'Shoes', 'Sweets',
  'Tailor', 'Taxi and transport', 'Toys', 'Travel agency', 'Veterinarian', 'Other']) AS name;
