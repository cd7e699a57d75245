import { createResourcesApp } from "./create-resources-app.ts";
import { createProcessParts } from "./process-parts.ts";

/** The handlers that CloudFormation invokes: `index.initialSet` and `index.bucket`. */
export const { initialSet, bucket } = createResourcesApp({
  ...createProcessParts(process.env),
  // Looked up on each call, so that a later replacement takes effect.
  fetch: (url, init) => globalThis.fetch(url, init),
});
