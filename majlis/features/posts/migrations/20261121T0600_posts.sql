-- Posts. All typed parts stand in one row, because clients read and write them as one object.

CREATE TABLE sell_categories (
  id uuid PRIMARY KEY,
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  icon jsonb NOT NULL,
  color text NOT NULL CHECK (length(color) <= 20),
  status text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'INACTIVE')),
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX sell_categories_name ON sell_categories (lower(name));

-- A set to begin with; operators change it.
INSERT INTO sell_categories (id, name, icon, color)
SELECT gen_random_uuid(), name, jsonb_build_object('name', icon, 'library', 'MaterialIcons'), color
FROM (VALUES
  ('Animals', 'pets', '#8D6E63'), ('Art and crafts', 'palette', '#AB47BC'), ('Baby and children', 'child-care', '#F48FB1'),
  ('Beauty and health', 'spa', '#EC407A'), ('Bicycles', 'pedal-bike', '#26A69A'), ('Books', 'menu-book', '#5C6BC0'),
  ('Building materials', 'construction', '#A1887F'), ('Cars', 'directions-car', '#42A5F5'),
  ('Carpets and rugs', 'texture', '#B71C1C'), ('Clothes', 'checkroom', '#7E57C2'),
  ('Computers', 'computer', '#546E7A'), ('Electronics', 'devices', '#29B6F6'), ('Food', 'restaurant', '#FFA726'),
  ('Furniture', 'chair', '#8D6E63'), ('Games and toys', 'toys', '#FFCA28'), ('Garden and farm', 'agriculture', '#66BB6A'),
  ('Home appliances', 'kitchen', '#78909C'), ('Houses and flats', 'home', '#EF5350'), ('Jewellery', 'diamond', '#FFD54F'),
  ('Jobs', 'work', '#3949AB'), ('Mobile phones', 'smartphone', '#26C6DA'), ('Motorcycles', 'two-wheeler', '#FF7043'),
  ('Musical instruments', 'music-note', '#9CCC65'), ('Services', 'handyman', '#00897B'),
  ('Sport', 'sports-soccer', '#43A047'), ('Tools', 'build', '#6D4C41'), ('Other', 'category', '#9E9E9E')
) AS set (name, icon, color);

CREATE TABLE posts (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  business_id uuid REFERENCES business_profiles ON DELETE SET NULL,
  original_post_id uuid REFERENCES posts ON DELETE SET NULL,
  category_id uuid REFERENCES sell_categories ON DELETE SET NULL,
  title varchar(255),
  description text,
  type varchar(10) NOT NULL,
  status boolean NOT NULL DEFAULT true,
  visibility varchar(10) NOT NULL DEFAULT 'PUBLIC',
  currency varchar(3),
  price numeric(10, 2),
  discount numeric(5, 2),
  free boolean NOT NULL DEFAULT false,
  sold boolean NOT NULL DEFAULT false,
  is_promoted boolean NOT NULL DEFAULT false,
  country_code varchar(10),
  contact_no varchar(20),
  is_location boolean NOT NULL DEFAULT false,
  start_date date,
  start_time time,
  end_date date,
  end_time time,
  interested_count int NOT NULL DEFAULT 0,
  going_count int NOT NULL DEFAULT 0,
  expired_at timestamptz,
  address_location point,
  user_location point,
  country varchar(100),
  province varchar(100),
  district varchar(100),
  neighborhood varchar(100),
  attachments json NOT NULL DEFAULT '[]', -- as on the wire, so that a feed copies it without a look
  total_comments int NOT NULL DEFAULT 0,
  total_likes int NOT NULL DEFAULT 0,
  total_shares int NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  search tsvector GENERATED ALWAYS AS (
    to_tsvector('simple', search_text(coalesce(title, '') || ' ' || coalesce(description, '')))) STORED,
  -- One constraint: each is read anew for every update of a counter. Lengths are types for the same reason.
  CONSTRAINT posts_sane CHECK (
    type IN ('FEED', 'EVENT', 'SELL', 'PULL') AND visibility IN ('PUBLIC', 'FRIENDS', 'PRIVATE')
    AND length(currency) = 3 AND price >= 0 AND discount BETWEEN 0 AND 100
    AND interested_count >= 0 AND going_count >= 0
    AND total_comments >= 0 AND total_likes >= 0 AND total_shares >= 0)
) WITH (fillfactor = 85); -- room on each page for new versions of a row whose counters move

CREATE INDEX posts_recent ON posts (created_at DESC, id DESC) WHERE deleted_at IS NULL AND status;
CREATE INDEX posts_user ON posts (user_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX posts_business ON posts (business_id, created_at DESC, id DESC)
  WHERE deleted_at IS NULL AND business_id IS NOT NULL;
CREATE INDEX posts_type ON posts (type, created_at DESC, id DESC) WHERE deleted_at IS NULL AND type <> 'FEED';
CREATE INDEX posts_category ON posts (category_id, created_at DESC) WHERE deleted_at IS NULL AND type = 'SELL';
CREATE INDEX posts_province ON posts (province, created_at DESC) WHERE deleted_at IS NULL;
CREATE INDEX posts_place ON posts USING gist (coalesce(address_location, user_location)) WHERE deleted_at IS NULL;
CREATE INDEX posts_search ON posts USING gin (search) WHERE deleted_at IS NULL;
CREATE INDEX posts_original ON posts (original_post_id) WHERE original_post_id IS NOT NULL;

-- Moves the counters of a post; they never drop below 0.
CREATE FUNCTION post_count(post uuid, likes int, comments int, shares int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE posts SET
    total_likes = greatest(0, total_likes + likes),
    total_comments = greatest(0, total_comments + comments),
    total_shares = greatest(0, total_shares + shares)
  WHERE id = post;
END $$;

-- A deletion counts once: when deleted_at is set, or with the row if it never was.
CREATE FUNCTION posts_counted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM profile_count(NEW.user_id, 0, 0, 1);
  ELSIF TG_OP = 'DELETE' THEN
    IF OLD.deleted_at IS NULL THEN PERFORM profile_count(OLD.user_id, 0, 0, -1); END IF;
  ELSIF OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL THEN
    PERFORM profile_count(NEW.user_id, 0, 0, -1);
  ELSIF OLD.deleted_at IS NOT NULL AND NEW.deleted_at IS NULL THEN
    PERFORM profile_count(NEW.user_id, 0, 0, 1);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER posts_counted AFTER INSERT OR DELETE OR UPDATE OF deleted_at ON posts
  FOR EACH ROW EXECUTE FUNCTION posts_counted();
