"use strict";

// The document as a page. Signing in through one of the operations signs the page in.
addEventListener("DOMContentLoaded", async () => {
  const root = document.getElementById("docs");
  const session = document.getElementById("session");

  const spec = await (await fetch(root.dataset.document)).json();
  // Where a body may be JSON or a form, JSON is the one to try first.
  for (const path of Object.values(spec.paths)) {
    for (const { requestBody } of Object.values(path)) {
      const json = requestBody && requestBody.content["application/json"];
      if (json) requestBody.content = { "application/json": json, ...requestBody.content };
    }
  }

  const ui = SwaggerUIBundle({
    spec,
    domNode: root,
    presets: [SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    defaultModelExpandDepth: 3,
    displayRequestDuration: true,
    filter: true,
    showExtensions: true,
    tryItOutEnabled: true,
    validatorUrl: null,
    responseInterceptor: (response) => {
      const token = response.ok && response.body && response.body.access_token;
      if (token) {
        ui.preauthorizeApiKey("bearer", token);
        const user = response.body.user;
        session.textContent = user ? `signed in as ${user.email}` : "signed in";
        session.classList.add("good");
      }
      return response;
    },
  });
});
