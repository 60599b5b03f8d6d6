// How the server is used, and the audit trail; for admins.

import { fail, field, h, number, paged, table, time } from "./dom.js";
import { api } from "./session.js";

const KINDS = { registered: "New people", active: "People here", posts: "Posts", comments: "Comments", messages: "Messages" };

const lasting = (seconds) => {
  if (seconds === null) return "–";
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${number(minutes)} min` : minutes < 2880 ? `${number(Math.round(minutes / 60))} h`
    : `${number(Math.round(minutes / 1440))} days`;
};

// Minor units as money; the number of digits is the currency's.
const money = (amount, currency) => {
  const format = new Intl.NumberFormat(undefined, { style: "currency", currency });
  return format.format(amount / 10 ** format.resolvedOptions().maximumFractionDigits);
};

const fact = (name, value, bad = false) => h("div", {}, h("dt", {}, name), h("dd", { class: bad ? "bad" : null }, value));

// A number with a bar behind it that shows its part of the greatest; the number says it all without the bar.
function bar(value, most) {
  const cell = h("td", { class: "number bar" }, number(value));
  cell.style.setProperty("--part", `${most ? (100 * value) / most : 0}%`);
  return cell;
}

function numbers(found) {
  const names = Object.keys(KINDS);
  const most = Object.fromEntries(names.map((name) => [name, Math.max(...found.days.map((day) => day[name]), 0)]));
  const sums = Object.fromEntries(names.map((name) => [name, found.days.reduce((sum, day) => sum + day[name], 0)]));
  const { queue, decisions, jobs } = found;
  const of = (name) => found.revenue.map((one) => h("td", { class: "number" }, money(one[name], one.currency)));
  const turnover = of("turnover");
  const platform = of("platform");
  return [
    h("h2", {}, "Now"),
    h("dl", { class: "facts" },
      fact("Cases that wait", number(queue.cases)), fact("Reports in them", number(queue.reports)),
      fact("For an admin", number(queue.escalated), queue.escalated > 0),
      fact("The oldest waits since", time(queue.oldest)),
      fact("Half decided within", lasting(decisions.median_s)), fact("Nine of ten within", lasting(decisions.slow_s)),
      fact("Connected", number(found.connected)), fact("Jobs that wait", number(jobs.waiting)),
      fact("Jobs held", number(jobs.held), jobs.held > 0)),
    h("h2", {}, "Day by day"),
    table("Days in UTC, the latest first; the present one so far", ["Day", ...Object.values(KINDS)], [
      ["All of these days", ...names.map((name) =>
        h("td", { class: "number" }, name === "active" ? "–" : number(sums[name])))],
      ...found.days.toReversed().map((day) => [day.day, ...names.map((name) => bar(day[name], most[name]))]),
    ], "Nothing is counted yet."),
    h("h2", {}, "Revenue"),
    table("What was paid and not given back, and the platform's part, by month", ["Month", "Currency", "Paid", "Platform"],
      found.revenue.map((one, at) => [one.month.slice(0, 7), one.currency, turnover[at], platform[at]]),
      "No payments in the last twelve months."),
  ];
}

export async function analytics() {
  const days = h("select", { name: "days" }, [7, 30, 90, 366].map((one) =>
    h("option", { value: one, selected: one === 30 }, `${one} days`)));
  const holder = h("div");
  const show = async () => {
    holder.replaceChildren(...numbers(await api("GET", `/api/v1/admin/analytics?days=${days.value}`)));
  };
  days.addEventListener("change", () => show().catch((error) => fail(error.message)));
  await show();
  return [h("h1", {}, "Numbers"), h("form", {}, field("The last", days)), holder];
}

export async function trail() {
  const load = (cursor) =>
    api("GET", `/api/v1/moderation/audit?${new URLSearchParams({ limit: "50", ...(cursor ? { cursor } : {}) })}`);
  const rows = await paged(load, (entries) => table("What was decided, the latest first",
    ["When", "What", "About", "Reason", "By"], entries.map((one) => [
      time(one.created_at), one.action,
      one.person_id ? h("a", { href: `#/person/${one.person_id}` }, one.kind) : one.kind,
      one.reason, one.actor_id ? h("a", { href: `#/person/${one.actor_id}` }, one.actor_role) : one.actor_role,
    ])));
  return [h("h1", {}, "Audit trail"), rows];
}
