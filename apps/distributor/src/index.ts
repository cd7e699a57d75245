import { createApp } from "./create-app.ts";

/** Everything that reaches the distributor: `index.handler`. */
export const { handler } = createApp({ environment: process.env });
