import { createApp } from "./create-app.ts";

/** What Step Functions calls for each state: `index.handler`. */
export const { handler } = createApp({ environment: process.env });
