// Cases: the queue, and one of them with what can be done about it.

import { called, fail, field, h, number, paged, say, table, time, values } from "./dom.js";
import { api, user } from "./session.js";

const CASES = "/api/v1/moderation/cases";
const WORDS = { post: "Post", comment: "Comment", user: "Person", business: "Business" };

export function list(search = {}, caption = "Cases that wait, most reports first") {
  const load = (cursor) => {
    const query = new URLSearchParams({ limit: "50", ...search, ...(cursor ? { cursor } : {}) });
    return api("GET", `${CASES}?${query}`);
  };
  return paged(load, (cases) => table(caption, ["Case", "About", "Reports", "State", "Opened"], cases.map((one) => [
    h("a", { href: `#/case/${one.id}` }, `${WORDS[one.kind]}: ${one.excerpt || "without words"}`),
    called(one.person),
    h("td", { class: "number" }, number(one.total_reports)),
    [one.state.toLowerCase(), one.escalated ? "for an admin" : "", one.claimed_by ? "taken" : ""].filter(Boolean).join(", "),
    time(one.opened_at),
  ]), "Nothing waits."));
}

export async function queue() {
  const states = h("select", { name: "state" },
    h("option", { value: "" }, "open"), h("option", { value: "RESOLVED" }, "resolved"),
    h("option", { value: "DISMISSED" }, "dismissed"));
  const holder = h("div");
  const show = async () => {
    const search = states.value ? { state: states.value, sort: "recent" } : {};
    holder.replaceChildren(await list(search, states.value ? `Cases that were ${states.value.toLowerCase()}` : undefined));
  };
  states.addEventListener("change", () => show().catch((error) => fail(error.message)));
  await show();
  return [h("h1", {}, "Queue"), h("form", {}, field("Show cases that are", states)), holder];
}

function content(title, found) {
  if (!found) return [h("h2", {}, title), h("p", {}, "Nothing any more.")];
  const rows = Object.entries(found).filter(([, value]) => value !== null && value !== "").map(([name, value]) => [
    name.replaceAll("_", " "),
    typeof value === "object" ? h("pre", {}, JSON.stringify(value, null, 1)) : String(value),
  ]);
  return [h("h2", {}, title), table(title, ["What", "Says"], rows)];
}

function decide(found, again) {
  const reason = h("textarea", { name: "reason", required: true, maxlength: "1000" });
  const until = h("input", { name: "until", type: "datetime-local" });
  const actions = found.kind === "user" ? ["suspend", "unsuspend", "dismiss"]
    : ["hide", "restore", "suspend", "unsuspend", "dismiss"];
  const form = h("form", {
    async onsubmit(event) {
      event.preventDefault();
      const action = event.submitter.value;
      const given = values(form);
      const body = { reason: given.reason };
      if (action === "suspend" && given.until) body.until = new Date(given.until).toISOString();
      try {
        await api("POST", `${CASES}/${found.id}/${action}`, body);
        await again();
        say(`Done: ${action}.`);
      } catch (error) {
        fail(error.message);
      }
    },
  },
  field("Reason, which the person concerned reads", reason, true),
  field("Suspend until (empty: until somebody opens the account again)", until),
  ...[...actions, "escalate"].map((one) => h("button", { type: "submit", value: one }, one)));
  return [h("h2", {}, "Decide"), form];
}

function claim(found, again) {
  const mine = found.claimed_by === user.id;
  const act = async () => {
    try {
      await api(mine ? "DELETE" : "POST", `${CASES}/${found.id}/claim`);
      await again();
      say(mine ? "Left to others." : "Yours for an hour.");
    } catch (error) {
      fail(error.message);
    }
  };
  return h("button", { type: "button", onclick: act }, mine ? "Leave it to others" : "Take it for an hour");
}

export async function detail(id) {
  const found = await api("GET", `${CASES}/${id}`);
  const again = async () => document.getElementById("main").replaceChildren(...(await detail(id)));
  const open = found.state === "PENDING" || found.state === "REVIEWED";
  const reports = found.reports.map((one) => [one.reason, one.words ?? "", called(one), time(one.created_at)]);
  const history = found.history.map((one) => [
    one.action, one.reason, one.actor_id ? called(one) : "the server", time(one.created_at),
  ]);
  return [
    h("h1", {}, `${WORDS[found.kind]} of ${called(found.person)}`),
    h("p", {}, `This case is ${found.state.toLowerCase()}${found.escalated ? " and waits for an admin" : ""}. `,
      found.person.suspended_at ? h("strong", { class: "bad" }, "The account is suspended. ") : null,
      found.hidden_as ? h("strong", {}, "It is hidden. ") : null, open ? claim(found, again) : null),
    ...content("When the case was opened", found.snapshot),
    ...content("Now", found.current),
    h("h2", {}, "Reports"), table("Who reported it, and why", ["Reason", "Words", "By", "When"], reports, "Nobody reported it."),
    h("h2", {}, "Decisions about this person"),
    table("What was decided before", ["What", "Reason", "By", "When"], history, "None yet."),
    ...(open || found.state === "RESOLVED" ? decide(found, again) : []),
  ];
}
