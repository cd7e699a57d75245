import { createHash } from "node:crypto";
import type { Clock, Records } from "@stackyard/core";
import { readText } from "./read-field.ts";
import { parseRunIntent, type RunIntent } from "./run-intent.ts";

/** What was decided about an event without a run. */
export interface EventDone {
  readonly kind: "done";
  readonly code: string;
  readonly message: string;
}

/** What was decided about an event. The first decision counts, whoever else is delivered the event too. */
export type EventRecord = RunIntent | EventDone;

/** As long as the yard knows the ids of events: EventBridge gives up after a day. */
const KEEP_MS = 14 * 86_400_000;

interface EventRecordsDeps {
  readonly records: Records;
  readonly clock: Clock;
}

/** What was decided about that event or job before; undefined: nothing yet. */
export async function findEventRecord(
  { records, clock }: EventRecordsDeps,
  id: string,
): Promise<EventRecord | undefined> {
  return parseEventRecord((await records.get(toKey(id), clock.now()))?.value);
}

/** Keeps a decision, and gives the one that counts. */
export async function keepEventRecord(
  { records, clock }: EventRecordsDeps,
  id: string,
  value: EventRecord,
): Promise<EventRecord> {
  const now = clock.now();
  const result = await records.put({ key: toKey(id), value, expected: "absent", expiresAt: now + KEEP_MS, now });
  if (result.kind === "written") return value;
  return parseEventRecord(result.current?.value) ?? value;
}

function parseEventRecord(value: unknown): EventRecord | undefined {
  const code = readText(value, "code");
  if (readText(value, "kind") !== "done" || code === undefined) return parseRunIntent(value);
  return { kind: "done", code, message: readText(value, "message") ?? "" };
}

/** Ids come from outside and are no keys yet. */
function toKey(id: string): string {
  return `fleet-event/${createHash("sha256").update(id).digest("hex").slice(0, 32)}`;
}
