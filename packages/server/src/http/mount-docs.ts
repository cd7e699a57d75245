import type { Hono } from "hono";
import type { AnswerDocs } from "./docs-pages.ts";

/** Serves the documentation, which is loaded when the first reader comes: most servers of functions never show it. */
export function mountDocs(app: Hono, folder: string | undefined): void {
  let docs: Promise<AnswerDocs> | undefined;
  app.get("/docs", () => new Response(null, { status: 308, headers: { location: "/docs/" } }));
  app.get("/docs/*", async ({ req }) => {
    docs ??= import("./docs-pages.ts").then(({ createDocs }) => createDocs(folder));
    return (await docs)(req.raw);
  });
}
