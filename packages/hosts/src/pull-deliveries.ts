import { isMap } from "@stackyard/core";
import type { CodeHost, SentDelivery } from "./code-host.ts";
import { type ReceiveDeps, takeRead } from "./receive.ts";

/** Deliveries that took long are listed after later ones. */
const OVERLAP_MS = 300_000;

/** What is read at a host. */
export interface PullInput {
  readonly host: string;
  readonly codeHost: CodeHost;
  /** The list of the last call in this process, so that no body is read twice. */
  readonly known: readonly SentDelivery[];
}

/**
 * Takes the deliveries that did not reach the receiver since the last call, oldest first, and returns the list that was read.
 * The first call of a yard only notes where the list ends.
 */
export async function pullDeliveries(
  deps: ReceiveDeps,
  { host, codeHost, known }: PullInput,
): Promise<readonly SentDelivery[]> {
  const { records, clock, wake } = deps;
  const key = `hooks/pulled/${host}`;
  const found = await records.get(key, clock.now());
  const since = toInstant(found?.value);
  const listed = await codeHost.listDeliveries(since && since - OVERLAP_MS);
  const knownIds = new Set(known.map(({ id }) => id));
  const missed = since === undefined ? [] : listed.filter(({ id, isTaken }) => !isTaken && !knownIds.has(id));
  for (const { id, guid, event } of missed.toReversed()) {
    const body = await codeHost.findDeliveryBody(id);
    if (body !== undefined) await takeRead(deps, host, { event, id: guid, body });
  }
  if (missed.length > 0) wake("hosts");
  const newest = Math.max(since ?? 0, ...listed.map(({ sentAt }) => sentAt));
  if (newest !== since) {
    // What another process stores at the same time is as good.
    await records.put({ key, value: { at: newest }, expected: found?.version ?? "absent", now: clock.now() });
  }
  return listed;
}

function toInstant(value: unknown): number | undefined {
  const at = isMap(value) ? value["at"] : undefined;
  return typeof at === "number" ? at : undefined;
}
