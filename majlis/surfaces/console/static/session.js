// Who is signed in. Tokens are kept in this page alone: who closes or reloads it has signed out.

let tokens = null;
let renewing = null;
export let user = null;

const RANKS = { user: 0, moderator: 1, admin: 2 };
export const may = (role) => user !== null && RANKS[user.role] >= RANKS[role];

async function send(method, path, body) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (tokens) headers.Authorization = `Bearer ${tokens.access_token}`;
  return fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
}

async function read(answer) {
  const text = await answer.text();
  const found = text ? JSON.parse(text) : null;
  if (answer.ok) return found;
  const { message, details = [] } = found?.error ?? { message: `The server answered ${answer.status}.` };
  throw new Error([message, ...details.map((one) => `${one.field}: ${one.message}`)].join(" "));
}

async function renew() {
  const { refresh_token } = tokens;
  tokens = null;
  const answer = await send("POST", "/api/v1/auth/refresh", { refresh_token });
  if (!answer.ok) {
    user = null;
    dispatchEvent(new Event("signedout"));
    throw new Error("Your session is over. Sign in again.");
  }
  tokens = await answer.json();
}

// The JSON of an answer. Throws an Error with words for people.
export async function api(method, path, body) {
  let answer = await send(method, path, body);
  if (answer.status === 401 && tokens) {
    renewing ??= renew().finally(() => { renewing = null; });
    await renewing;
    answer = await send(method, path, body);
  }
  return read(answer);
}

// What somebody may do here is what the server lets them do.
async function enter(found) {
  tokens = found;
  let role = "user";
  if ((await send("GET", "/api/v1/moderation/cases?limit=1")).ok) role = "moderator";
  if (role === "moderator" && (await send("GET", "/api/v1/moderation/audit?limit=1")).ok) role = "admin";
  if (role === "user") {
    await send("POST", "/api/v1/auth/logout", {});
    tokens = null;
    throw new Error("This page is for moderators and admins.");
  }
  user = { ...found.user, role };
}

// Signs in; the challenge where a second factor is to be shown, else null.
export async function signIn(email, password) {
  const found = await read(await send("POST", "/api/v1/auth/login", { email, password }));
  if (found.requires_mfa) return found.challenge_id;
  await enter(found);
  return null;
}

export async function answer(challenge_id, code) {
  await enter(await read(await send("POST", "/api/v1/auth/mfa/verify-challenge", { challenge_id, code })));
}

export async function signOut() {
  await api("POST", "/api/v1/auth/logout", {});
  tokens = user = null;
}
