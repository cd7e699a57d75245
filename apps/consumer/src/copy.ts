import { createCopyApp } from "./create-copy-app.ts";
import { createProcessParts } from "./process-parts.ts";

/** The handler that Lambda invokes with a batch of the queue: `index.handler`. */
export const { handler } = createCopyApp(createProcessParts(process.env));
