export { createLambdaHost, type LambdaHost } from "./create-lambda-host.ts";
export { deliverBatch } from "./deliver-batch.ts";
export type { EventSource } from "./event-source.ts";
export type { FunctionHandler, FunctionInput, Invocation } from "./function-input.ts";
export { createMortalLambda, type MortalLambda, type MortalLambdaInput } from "./mortal-lambda.ts";
export type { MessageCounts } from "./queue-calls.ts";
export { createQuickClock } from "./quick-clock.ts";
export { createSkippingClock, type SkippingClock } from "./skipping-clock.ts";
export { openWayOut, type WayOut } from "./way-out.ts";
