import { createApp } from "./create-app.ts";

/** The handler that Step Functions invokes for each state: `index.handler`. */
export const { handler } = createApp({ environment: process.env });
