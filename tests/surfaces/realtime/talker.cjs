// A client of Socket.IO for tests: commands come as JSON lines on standard input, what happens goes to standard output.
// As every app should, it subscribes after each connect from where it stands, and answers a hole by subscribing again.
const { io } = require("socket.io-client");
const readline = require("readline");

const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");
let socket = null;
const last = {}; // stream -> the last entry without a hole before it

function follow() {
  const streams = {};
  for (const [stream, seq] of Object.entries(last)) streams[stream] = { after_seq: seq };
  if (Object.keys(streams).length === 0) return;
  socket.emit("subscribe", { streams }, (answer) => say({ did: "subscribed", answer }));
}

const commands = {
  connect({ url, auth, transports, path }) {
    socket = io(url, { auth, transports, path: path ?? "/socket.io", reconnectionDelay: 50, reconnectionDelayMax: 200 });
    socket.on("connect", () => {
      say({ did: "connected", transport: socket.io.engine.transport.name });
      follow();
    });
    socket.io.on("open", () => {
      socket.io.engine.on("upgrade", (transport) => say({ did: "upgraded", transport: transport.name }));
    });
    socket.on("connect_error", (error) =>
      say({ did: "refused", message: error.message, data: error.data ?? null, again: socket.active })
    );
    socket.on("disconnect", (reason) => say({ did: "disconnected", reason, again: socket.active }));
    socket.onAny((name, data) => {
      if (name === "event" && data.stream in last) {
        if (data.seq === last[data.stream] + 1) last[data.stream] = data.seq;
        else if (data.seq > last[data.stream]) follow();
      }
      say({ did: "heard", name, data });
    });
  },
  follow({ stream, after }) {
    last[stream] = after;
    follow();
  },
  emit({ name, data, id }) {
    socket.emit(name, data, (answer) => say({ did: "answered", id, answer }));
  },
  renew({ auth }) {
    socket.auth = auth;
    socket.connect();
  },
  cut() {
    socket.io.engine.close(); // as when the network goes away
  },
};

readline
  .createInterface({ input: process.stdin })
  .on("line", (line) => {
    const { op, ...rest } = JSON.parse(line);
    commands[op](rest);
  })
  .on("close", () => process.exit(0));
say({ did: "started" });
