import { type ExecutorContext, type Failed, failed } from "@stackyard/core";
import type { LambdaConfig } from "./definition.ts";

/** What Lambda takes in a synchronous call (Lambda quotas, "Invocation payload": 6 MB, enforced as 6,291,456 bytes). */
export const MAX_REQUEST_BYTES = 6_291_456;

/** The event of a function: `{"stackId":…,"metadata":…}` and `"args"` where the task has any, in this order. */
export function toPayload(ctx: Pick<ExecutorContext, "stackId" | "metadata">, { args }: LambdaConfig): string {
  const { stackId, metadata } = ctx;
  return JSON.stringify(isMap(args) ? { stackId, metadata, args } : { stackId, metadata });
}

/** The failure of a payload that Lambda would refuse, so that it is told before the call. */
export function findPayloadFault(name: string, payload: string): Failed | undefined {
  const bytes = Buffer.byteLength(payload);
  if (bytes <= MAX_REQUEST_BYTES) return undefined;
  return failed({
    code: "LAMBDA_PAYLOAD_TOO_LARGE",
    message: `The payload for "${name}" has ${bytes} bytes, and Lambda takes ${MAX_REQUEST_BYTES}. Put large values into S3 and pass their keys.`,
    retryable: false,
  });
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
