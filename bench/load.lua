-- What wrk sends. LOAD_KIND: a key of `make` below. LOAD_DIR: the folder that seed.py wrote.
-- LOAD_SEED starts the random choice of person, place and post that each request makes.
local kind, folder = os.getenv("LOAD_KIND"), os.getenv("LOAD_DIR")
local pick = math.random
local people, places, posts, users = {}, {}, {}, {}
-- The provinces' capitals as seed.py has them, and words of its titles: frequent, rare, begun only.
local cities = { { 34.35, 62.2 }, { 34.53, 69.18 }, { 36.71, 67.11 }, { 31.61, 65.71 }, { 34.43, 70.45 } }
local words = { "karana", "karanen", "karanis", "kalima", "kalimus", "mosolin", "number+19", "zizanye", "tanur", "la" }

local function read(list, name)
  for line in io.lines(folder .. "/" .. name) do
    list[#list + 1] = line
  end
end

local make = {
  feed = function() return "GET", "/api/v1/posts?limit=20&cursor=" .. places[pick(#places)] end,
  one = function() return "GET", "/api/v1/posts/" .. posts[pick(#posts)] end,
  like = function() return "POST", "/api/v1/posts/" .. posts[pick(#posts)] .. "/like", "" end,
  comment = function()
    return "POST", "/api/v1/posts/" .. posts[pick(#posts)] .. "/comments", '{"text":"Good to read, thank you."}'
  end,
  nearby = function()
    local city = cities[pick(#cities)]
    return "GET", string.format("/api/v1/posts?sort=nearby&radius_km=10&lat=%.4f&lng=%.4f",
      city[1] + pick() / 10, city[2] + pick() / 10)
  end,
  trending = function() return "GET", "/api/v1/posts?sort=trending" end,
  comments = function() return "GET", "/api/v1/posts/" .. posts[pick(#posts)] .. "/comments" end,
  person = function() return "GET", "/api/v1/users/" .. users[pick(#users)] end,
  wall = function() return "GET", "/api/v1/users/" .. users[pick(#users)] .. "/posts" end,
  search = function() return "GET", "/api/v1/search?q=" .. words[pick(#words)] end,
  markers = function()
    local city, zoom = cities[pick(#cities)], pick(6, 16)
    local half = 180 / 2 ^ zoom * 3
    return "GET", string.format("/api/v1/discover/markers?zoom=%d&min_lat=%.5f&max_lat=%.5f&min_lng=%.5f&max_lng=%.5f",
      zoom, city[1] - half / 2, city[1] + half / 2, city[2] - half, city[2] + half)
  end,
  notifications = function() return "GET", "/api/v1/notifications" end,
  live = function() return "GET", "/health/live" end,
}

function init()
  math.randomseed(tonumber(os.getenv("LOAD_SEED")))
  read(people, "tokens.txt")
  read(places, "cursors.txt")
  read(posts, "posts.txt")
  if kind == "person" or kind == "wall" then read(users, "users.txt") end
end

function request()
  local method, path, body = make[kind]()
  local lines = { method .. " " .. path .. " HTTP/1.1", "Host: " .. wrk.headers["Host"],
    "Authorization: Bearer " .. people[pick(#people)] }
  if body then
    lines[#lines + 1] = "Content-Length: " .. #body
    if body ~= "" then lines[#lines + 1] = "Content-Type: application/json" end
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. (body or "")
end

function done(summary, latency)
  local failed = summary.errors
  local figures = {
    requests = summary.requests,
    seconds = summary.duration / 1e6,
    p50_ms = latency:percentile(50) / 1e3,
    p95_ms = latency:percentile(95) / 1e3,
    p99_ms = latency:percentile(99) / 1e3,
    bytes = summary.bytes,
    errors = failed.status + failed.connect + failed.read + failed.write + failed.timeout,
  }
  for name, value in pairs(figures) do
    io.write(string.format("FIGURE %s %.3f\n", name, value))
  end
end
