-- What wrk sends. LOAD_KIND: feed, one, like, comment or live. LOAD_DIR: the folder that seed.py wrote.
-- LOAD_SEED starts the random choice of person, place and post that each request makes.
local kind, folder = os.getenv("LOAD_KIND"), os.getenv("LOAD_DIR")
local pick = math.random
local people, places, posts = {}, {}, {}

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
  live = function() return "GET", "/health/live" end,
}

function init()
  math.randomseed(tonumber(os.getenv("LOAD_SEED")))
  read(people, "tokens.txt")
  read(places, "cursors.txt")
  read(posts, "posts.txt")
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
