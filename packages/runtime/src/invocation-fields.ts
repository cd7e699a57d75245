import type { LambdaContext } from "@stackyard/aws";
import { defined } from "@stackyard/core";

/**
 * Returns the id of an invocation for the log, as in Lambda's own lines. A handler that is called by hand may have no
 * context.
 */
export function toInvocationFields({ awsRequestId }: LambdaContext = {}): Readonly<Record<string, string>> {
  return defined({ requestId: awsRequestId });
}
