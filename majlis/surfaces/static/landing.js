"use strict";

// Sends what the page behind a link in a mail asks for, with the token of the link, once its button is pressed.
addEventListener("DOMContentLoaded", () => {
  const token = new URLSearchParams(location.search).get("token");
  history.replaceState(null, "", location.pathname); // the token stays in no history
  const form = document.querySelector("form");
  const said = document.getElementById("said");
  const show = (words, good) => {
    said.textContent = words;
    said.className = good ? "good" : "bad";
  };
  if (form.dataset.token && !token) {
    form.hidden = true;
    show("Something is missing in this address: open the link in the mail once more.", false);
    return;
  }
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    const body = Object.fromEntries(new FormData(form));
    if (form.dataset.token) body.token = token;
    button.disabled = true;
    try {
      const answer = await fetch(form.dataset.path, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
      });
      form.hidden = answer.ok;
      if (answer.ok) {
        show(form.dataset.done, true);
      } else {
        const { message, details } = (await answer.json()).error;
        show([...new Set([message, ...details.map((fault) => fault.message)])].join(" "), false);
      }
    } catch {
      show("The server does not answer.", false);
    }
    button.disabled = false;
  });
});
