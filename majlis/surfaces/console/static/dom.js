// Elements, built without markup: whatever people wrote is text here.

export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const number = (value) => new Intl.NumberFormat().format(value);
export const time = (text) => (text ? h("time", { datetime: text }, new Date(text).toLocaleString()) : "–");
export const called = (person) =>
  [person.first_name, person.last_name].filter(Boolean).join(" ") || `person ${person.id ?? ""}`.trim();

// A table with a caption, heads of columns, and the first cell of each row as its head.
export function table(caption, heads, rows, empty = "Nothing.") {
  if (!rows.length) return h("p", {}, empty);
  const head = h("tr", {}, heads.map((one) => h("th", { scope: "col" }, one)));
  const body = rows.map((cells) =>
    h("tr", {}, cells.map((cell, at) => {
      if (cell instanceof HTMLTableCellElement) return cell;
      return at ? h("td", {}, cell) : h("th", { scope: "row" }, cell);
    })),
  );
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h("table", {}, h("caption", {}, caption), h("thead", {}, head), h("tbody", {}, body)));
}

export function field(label, input, wide = false) {
  return h("label", { class: wide ? "wide" : null }, label, input);
}

export const values = (form) => Object.fromEntries(new FormData(form));

export function say(words) {
  document.getElementById("status").textContent = words;
  document.getElementById("alert").textContent = "";
}

export function fail(words) {
  document.getElementById("status").textContent = "";
  document.getElementById("alert").textContent = words;
}

// A list that grows by a button, a page of the API at a time.
export async function paged(load, show) {
  const rows = [];
  const holder = h("div");
  const more = h("button", { type: "button", onclick: () => next().catch((error) => fail(error.message)) }, "Show more");
  let cursor = null;
  async function next() {
    const page = await load(cursor);
    rows.push(...page.data);
    cursor = page.next_cursor;
    more.hidden = !cursor;
    holder.replaceChildren(show(rows), more);
  }
  await next();
  return holder;
}
