import type { LambdaContext } from "./app.ts";

/** What names an invocation in the log, as Lambda's own lines do. Who calls a handler by hand may give no context. */
export function toInvocationFields(context: LambdaContext | undefined): Readonly<Record<string, string>> {
  const requestId = context?.awsRequestId;
  return requestId === undefined ? {} : { requestId };
}
