// People: found by name, each with their cases; and the words that are refused or held.

import { called, fail, field, h, paged, say, table, time, values } from "./dom.js";
import { list } from "./queue.js";
import { api } from "./session.js";

export async function people() {
  const holder = h("div");
  const form = h("form", {
    role: "search",
    async onsubmit(event) {
      event.preventDefault();
      try {
        const { q } = values(form);
        const load = (cursor) =>
          api("GET", `/api/v1/search/users?${new URLSearchParams({ q, ...(cursor ? { cursor } : {}) })}`);
        holder.replaceChildren(await paged(load, (found) => table("People found", ["Name", "Place", "Cases"], found.map((one) => [
          called(one), [one.neighborhood, one.district, one.province].filter(Boolean).join(", ") || "–",
          h("a", { href: `#/person/${one.id}` }, `Cases of ${called(one)}`),
        ]), "Nobody.")));
        say("Found.");
      } catch (error) {
        fail(error.message);
      }
    },
  },
  field("Name", h("input", { name: "q", required: true, maxlength: "200", autocomplete: "off" })),
  h("button", { type: "submit", class: "main" }, "Search"));
  return [h("h1", {}, "People"), form, holder];
}

export async function person(id) {
  // Whose account is closed nobody is shown; their cases are there all the same.
  const found = await api("GET", `/api/v1/users/${id}`).catch(() => ({ id }));
  const open = async () => {
    try {
      const made = await api("POST", "/api/v1/moderation/cases", { kind: "user", target_id: id });
      location.hash = `#/case/${made.id}`;
    } catch (error) {
      fail(error.message);
    }
  };
  return [
    h("h1", {}, called(found)),
    h("p", {}, h("button", { type: "button", onclick: open }, "Open a case about this person")),
    h("h2", {}, "Cases that wait"), await list({ person_id: id }, "Cases about this person that wait"),
    h("h2", {}, "Decided"),
    await list({ person_id: id, state: "RESOLVED", sort: "recent" }, "Cases about this person that led to a measure"),
  ];
}

export async function filters() {
  const holder = h("div");
  const show = async () => {
    const load = (cursor) => api("GET", `/api/v1/moderation/filters?${new URLSearchParams(cursor ? { cursor } : {})}`);
    holder.replaceChildren(await paged(load, (rules) => table("Words and links, newest first",
      ["Word or link", "Kind", "What happens", "Note", "Since", "Remove"], rules.map((one) => [
        one.pattern, one.kind, one.action === "hold" ? "held for moderators" : "refused", one.note ?? "",
        time(one.created_at),
        h("button", { type: "button", "aria-label": `Remove ${one.pattern}`, onclick: () => remove(one) }, "Remove"),
      ]), "None yet.")));
  };
  const remove = async (rule) => {
    try {
      await api("DELETE", `/api/v1/moderation/filters/${rule.id}`);
      await show();
      say(`Removed: ${rule.pattern}`);
    } catch (error) {
      fail(error.message);
    }
  };
  const form = h("form", {
    async onsubmit(event) {
      event.preventDefault();
      const { note, ...rest } = values(form);
      try {
        await api("POST", "/api/v1/moderation/filters", note ? { ...rest, note } : rest);
        form.reset();
        await show();
        say("Added.");
      } catch (error) {
        fail(error.message);
      }
    },
  },
  field("Word, words in a row, or link", h("input", { name: "pattern", required: true, maxlength: "200" })),
  field("Kind", h("select", { name: "kind" }, h("option", {}, "word"), h("option", {}, "link"))),
  field("What happens", h("select", { name: "action" }, h("option", { value: "hold" }, "held for moderators"),
    h("option", { value: "refuse" }, "refused"))),
  field("Note", h("input", { name: "note", maxlength: "500" })),
  h("button", { type: "submit", class: "main" }, "Add"));
  await show();
  return [h("h1", {}, "Words and links"), form, holder];
}
