// The page: signing in, sections by the part of the address behind #, and where the focus goes.

import { analytics, trail } from "./analytics.js";
import { fail, field, h, say, values } from "./dom.js";
import { filters, people, person } from "./people.js";
import { detail, queue } from "./queue.js";
import { answer, may, signIn, signOut, user } from "./session.js";

const SECTIONS = [
  ["queue", "Queue", "moderator", queue],
  ["people", "People", "moderator", people],
  ["words", "Words", "moderator", filters],
  ["numbers", "Numbers", "admin", analytics],
  ["trail", "Audit trail", "admin", trail],
];
const ONE = { case: ["queue", detail], person: ["people", person] };

const main = document.getElementById("main");
const sections = document.getElementById("sections");
const who = document.getElementById("who");

function door() {
  sections.hidden = who.hidden = true;
  let challenge = null;
  const code = h("input", { name: "code", inputmode: "numeric", autocomplete: "one-time-code", maxlength: "20" });
  const second = field("Code of your second factor", code);
  second.hidden = true;
  const form = h("form", {
    class: "narrow",
    async onsubmit(event) {
      event.preventDefault();
      const given = values(form);
      try {
        if (challenge === null) challenge = await signIn(given.email, given.password);
        else await answer(challenge, given.code);
        if (user !== null) return await enter();
        second.hidden = false;
        code.focus();
        say("Now the code of your second factor.");
      } catch (error) {
        fail(error.message);
      }
    },
  },
  field("E-mail address", h("input", { name: "email", type: "email", required: true, autocomplete: "username" })),
  field("Password", h("input", { name: "password", type: "password", required: true, autocomplete: "current-password" })),
  second, h("button", { type: "submit", class: "main" }, "Sign in"));
  main.replaceChildren(h("h1", {}, "Sign in"), h("p", {}, "For moderators and admins of this server."), form);
  form.elements.email.focus();
}

async function enter() {
  sections.replaceChildren(...SECTIONS.filter(([, , role]) => may(role)).map(([name, title]) =>
    h("a", { href: `#/${name}` }, title)));
  document.getElementById("name").textContent = `${user.email}, ${user.role}`;
  sections.hidden = who.hidden = false;
  say("Signed in.");
  await show();
}

let shown = 0;

async function show() {
  if (user === null) return;
  const mine = ++shown;
  const [, name = "queue", id] = location.hash.split("/");
  const [section, load] = ONE[name] ?? [name, null];
  const found = SECTIONS.find(([one, , role]) => one === section && may(role)) ?? SECTIONS[0];
  for (const link of sections.children) {
    if (link.hash === `#/${found[0]}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  say("Loading …");
  try {
    const parts = load && id ? await load(id) : await found[3]();
    if (mine !== shown) return; // another section was chosen meanwhile
    main.replaceChildren(...parts);
    document.title = `${main.querySelector("h1").textContent} · Console`;
    say("");
    main.focus();
  } catch (error) {
    if (mine === shown) fail(error.message);
  }
}

addEventListener("hashchange", (event) => {
  if (new URL(event.newURL).hash !== "#main") show();
});
addEventListener("signedout", door);
document.getElementById("leave").addEventListener("click", async () => {
  try {
    await signOut();
  } catch (error) {
    fail(error.message);
  }
  door();
});
door();
