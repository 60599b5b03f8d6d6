"use strict";

// Says beside the name whether the server and all it needs are well.
addEventListener("DOMContentLoaded", async () => {
  const state = document.getElementById("state");
  try {
    const health = await (await fetch("/health", { headers: { Accept: "application/json" } })).json();
    const down = Object.keys(health.components).filter((name) => health.components[name] !== "ok");
    state.textContent = down.length ? `${down.join(", ")} down` : "all well";
    state.classList.add(down.length ? "bad" : "good");
  } catch {
    state.textContent = "no answer";
    state.classList.add("bad");
  }
});
