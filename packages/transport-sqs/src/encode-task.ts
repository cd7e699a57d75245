import { randomUUID } from "node:crypto";
import type { Transport } from "@stackyard/core";
import { hashOf } from "./fifo-ids.ts";
import type { OutgoingMessage } from "./outgoing-message.ts";
import { toJsonText } from "./to-json-text.ts";
import { findCarrier } from "./tracing.ts";

/** A task message, as the port has it. */
export type TaskMessage = Parameters<Transport["sendTasks"]>[0][number];

/**
 * A task message as the predecessor's, with `dispatch` beside it. In a FIFO queue attempts do not wait for each other. Each
 * sending is a message of its own: a poll, and what is sent again because a lease has lapsed, is the same attempt.
 */
export function encodeTask(message: TaskMessage): OutgoingMessage {
  const { task, stack, dispatch: kept } = message;
  const { traceparent, tracestate, ...dispatch } = kept;
  return {
    body: toJsonText({ task, stack, dispatch }),
    attributes: findCarrier(toGiven({ traceparent, tracestate })),
    groupId: hashOf([dispatch.id]),
    deduplicationId: randomUUID(),
  };
}

/** Values that are there. */
function toGiven(values: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  const given = Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return Object.fromEntries(given);
}
