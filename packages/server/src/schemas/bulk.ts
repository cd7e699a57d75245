import { defined, MAX_NAME, StackyardError } from "@stackyard/core";
import { permissionOfEvent } from "@stackyard/core/access";
import type { Bulk, BulkItem, BulkOperation } from "@stackyard/core/api";
import { type startBulk, TaskName } from "@stackyard/core/api/operations";
import {
  type EventOperation,
  isOnEvents,
  type Bulk as KeptBulk,
  type BulkItem as KeptItem,
  toBulkEventId,
  toPersonId,
} from "@stackyard/core/engine";
import { parseEventMessage, toOperatorMessage } from "@stackyard/core/machine";
import { type Static, type TObject, Type } from "typebox";
import { Compile } from "typebox/compile";
import { HttpError } from "../http/problem.ts";
import { toInstant } from "./event.ts";

const name = Type.String({ minLength: 1, maxLength: MAX_NAME });

/** A new bulk, or a dry run of it. */
export type BulkBody = Static<(typeof startBulk)["body"]>;
export type BulkFilter = BulkBody["filter"];

const closed = { additionalProperties: false } as const;

/** The allowed body of each operation. */
const BODIES: Readonly<Record<BulkOperation, TObject>> = {
  send: Type.Object({ event: name, metadata: Type.Optional(Type.Record(Type.String(), Type.Unknown())) }, closed),
  retry: Type.Object({ which: Type.Optional(Type.Enum(["failed", "pending"])), task: Type.Optional(TaskName) }, closed),
  cancel: Type.Object({ task: TaskName }, closed),
  acknowledge: Type.Object({}, closed),
  settle: Type.Object({ task: TaskName, as: Type.Optional(Type.Literal("succeeded")) }, closed),
  remove: Type.Object({ force: Type.Optional(Type.Literal(true)) }, closed),
  upgrade: Type.Object({ to: Type.Optional(Type.String({ pattern: "^[0-9a-f]{64}$" })) }, closed),
  redrive: Type.Object({}, closed),
  dismiss: Type.Object({}, closed),
  withdraw: Type.Object({}, closed),
};
const parsers = new Map(Object.entries(BODIES).map(([operation, schema]) => [operation, Compile(schema)]));

/** Maximum bytes of a body as JSON: the record of the bulk contains it. */
const MOST_BYTES = 65_536;

type Fields = Readonly<Record<string, unknown>>;

/** The operations that cannot be taken back. */
const FINAL: ReadonlySet<BulkOperation> = new Set(["settle", "remove", "dismiss", "withdraw"]);

/** The reason of a dry run without one: people enter theirs after they have seen what would happen. */
export const DRY_RUN_REASON = "dry run";

/**
 * Returns the event that a bulk sends to each of its stacks; empty for dead letters and parked events. Throws `USAGE` for a body that the operation
 * does not take, and `EVENT_INVALID` for an event that no stack could take.
 */
export function toBulkMessage({ operation, body = {}, reason, filter, plan, dryRun = false }: BulkBody): Fields {
  checkBody(operation, body);
  checkFilter(operation, filter);
  const isFinal = FINAL.has(operation) && !dryRun;
  if (isFinal && reason === undefined) throw usage(`The operation ${operation} needs a reason.`);
  if (isFinal && plan === undefined) {
    throw usage(`The operation ${operation} needs "plan": the digest of a dry run with the same filter.`);
  }
  if (isOnEvents(operation)) return {};
  const message = toMessage(operation, body);
  const parsed = parseEventMessage({ ...message, id: "x", stackId: "x", reason: reason ?? DRY_RUN_REASON }, { at: 0 });
  if (parsed.kind === "invalid") throw new StackyardError("EVENT_INVALID", parsed.reason);
  return message;
}

function checkBody(operation: BulkOperation, body: Fields): void {
  const parser = parsers.get(operation);
  const [fault] = parser?.Check(body) ? [] : (parser?.Errors(body) ?? []);
  if (fault !== undefined) {
    throw usage(`The body does not fit the operation ${operation}. body${fault.instancePath}: ${fault.message}.`);
  }
  if (Buffer.byteLength(JSON.stringify(body)) <= MOST_BYTES) return;
  throw new StackyardError("PAYLOAD_TOO_LARGE", `The body of a bulk operation has at most ${MOST_BYTES} bytes.`);
}

const OF_EVENTS: ReadonlySet<string> = new Set(["ids", "stackId", "event", "code"]);
const OF_EVENTS_ONLY: ReadonlySet<string> = new Set(["stackId", "event"]);

function checkFilter(operation: BulkOperation, filter: BulkFilter): void {
  const fields = Object.keys(filter);
  const isOfEvents = isOnEvents(operation);
  const wrong = fields.find((field) => (isOfEvents ? !OF_EVENTS.has(field) : OF_EVENTS_ONLY.has(field)));
  if (wrong !== undefined) throw usage(`The operation ${operation} has no filter "${wrong}". Remove it.`);
  if (filter.ids !== undefined && fields.length > 1) throw usage('The filter "ids" allows no others. Remove them.');
}

function toMessage(operation: Exclude<BulkOperation, EventOperation>, body: Fields): Fields {
  if (operation === "send") return toSent(body);
  if (operation === "upgrade") return { event: "UPGRADE_STACK", ...defined({ to: body["to"] }) };
  return toOperatorMessage(operation, body);
}

function toSent({ event, metadata }: Fields): Fields {
  if (permissionOfEvent(String(event)) !== "send")
    throw usage(`"${event}" cannot be sent to many stacks. Use the operation that is meant for it.`);
  return { event, ...defined({ metadata }) };
}

function usage(message: string): HttpError {
  return new HttpError(400, "USAGE", message);
}

/** Converts a bulk to the API's format. */
export function toBulkView(bulk: KeptBulk): Bulk {
  const { id, operation, filter, message, reason, sender, status, createdAt, endedAt, total, done, counts, cancel } =
    bulk;
  const event = typeof message["event"] === "string" ? message["event"] : undefined;
  return {
    id,
    operation,
    filter,
    actor: sender.name,
    status: status === "running" && cancel !== undefined ? "cancelling" : status,
    createdAt: toInstant(createdAt),
    total,
    done,
    counts,
    ...defined({ actorId: toPersonId({ sender }) }),
    ...defined({ event, reason, cancelledBy: cancel?.by, cancelledById: cancel?.byId, cancelReason: cancel?.reason }),
    ...defined({ endedAt: toInstant(endedAt) }),
  };
}

/** Converts an item of a bulk to the API's format. */
export function toBulkItemView({ id, operation }: KeptBulk, { plan: _, ...item }: KeptItem): BulkItem {
  const isSent = !isOnEvents(operation) && item.outcome !== "skipped";
  return { ...item, ...(isSent && { eventId: toBulkEventId(id, item) }) };
}
