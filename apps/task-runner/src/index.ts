import { createTaskRunner } from "@stackyard/runtime";

/** What Lambda calls: `index.handler`. */
export const { handler } = createTaskRunner({ environment: process.env });

/** The same under the predecessor's name, `src/index.lambdaHandler`. */
export const lambdaHandler = handler;
