import { createServicesFunction } from "./create-services-function.ts";

/** The handler that the function's URL and the schedule invoke: `index.handler`. */
export const { handler } = createServicesFunction({ environment: process.env });
