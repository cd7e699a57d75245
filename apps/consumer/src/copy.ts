import { createCopyApp } from "./create-copy-app.ts";
import { createProcessParts } from "./process-parts.ts";

/** What Lambda calls with a batch of the queue: `index.handler`. */
export const { handler } = createCopyApp(createProcessParts(process.env));
