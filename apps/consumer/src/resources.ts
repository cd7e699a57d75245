import { createResourcesApp } from "./create-resources-app.ts";
import { createProcessParts } from "./process-parts.ts";

/** What CloudFormation calls: `index.initialSet` and `index.bucket`. */
export const { initialSet, bucket } = createResourcesApp({
  ...createProcessParts(process.env),
  // Asked for late: whoever replaces it later is heard.
  fetch: (url, init) => globalThis.fetch(url, init),
});
