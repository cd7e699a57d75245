import { createStateManager, type LambdaContext } from "@stackyard/runtime";

/** The handler that Lambda invokes: `index.handler`. */
export const { handler } = createStateManager({ environment: process.env });

/** Calls the handler, under the predecessor's name, `src/index.lambdaHandler`. */
export const lambdaHandler = (event: unknown, context: LambdaContext) => handler(event, context);
