import { createApp } from "./create-app.ts";

/** The handler of all events of the distributor: `index.handler`. */
export const { handler } = createApp({ environment: process.env });
