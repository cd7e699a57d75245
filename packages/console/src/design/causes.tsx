import { defined } from "@stackyard/core";
import type { BulkRequest, Cause } from "@stackyard/sdk";
import { toFirstLine, toSafeText } from "../text/safe-text.ts";
import { Text } from "./text.tsx";

/** Renders a failure with the first line of its message, of several the newest: `database LAMBDA_FUNCTION_ERROR "no room"`. */
export function CauseName({ cause: { task, event, code, messages, sample } }: { cause: Cause }) {
  return (
    <span className="cause-name">
      <strong>
        <Text>{[event, task].filter((part) => part !== undefined).join(" ")}</Text>
      </strong>{" "}
      <Text mono>{code ?? "no code"}</Text>{" "}
      {messages !== undefined && <span className="muted">{messages} messages, newest: </span>}
      {sample.message !== undefined && <CauseMessage message={sample.message} />}
    </span>
  );
}

/** Renders the first line of a message, and all of it as its title. */
export function CauseMessage({ message }: { message: string }) {
  return (
    <span className="cause-message" title={toSafeText(message)}>
      <Text>{toFirstLine(message)}</Text>
    </span>
  );
}

/** Returns the filter of the page of stacks with tasks that failed for this cause. */
export function toStacksOfCause({ kind, task, code }: Cause): Readonly<Record<string, string | undefined>> {
  return { condition: kind === "degraded" ? kind : "failed", task, code: code ?? "none" };
}

/** Returns the bulk that retries the tasks that failed so. */
export function toRetryOfCause({ task, code = "" }: Cause): BulkRequest {
  return {
    operation: "retry",
    filter: { condition: "failed", code, ...defined({ task }) },
    ...(task !== undefined && { body: { task } }),
  };
}
