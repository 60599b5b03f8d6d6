DELETE FROM map_points;
