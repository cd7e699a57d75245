import { createApp } from "./create-app.ts";

/** What CloudFormation, Step Functions and EventBridge call: `index.handler`. */
export const { handler } = createApp({ environment: process.env });
