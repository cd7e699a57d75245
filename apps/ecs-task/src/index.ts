import { createApp } from "./create-app.ts";

/** The handler that CloudFormation, Step Functions and EventBridge invoke: `index.handler`. */
export const { handler } = createApp({ environment: process.env });
