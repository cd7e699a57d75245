import { isMap } from "@stackyard/core";
import type { CodeHost, SentDelivery } from "./code-host.ts";
import { isPullOnly } from "./host-options.ts";
import { type NamedHost, type ReceiveDeps, takeRead } from "./receive.ts";

/** The input of a read at a host. */
export interface PullInput {
  readonly host: NamedHost;
  readonly codeHost: CodeHost;
  /** The list of the last call in this process, so that no body is read twice. */
  readonly known: readonly SentDelivery[];
}

/** Deliveries that were listed, and what follows from them. */
export interface ListedDeliveries {
  readonly listed: readonly SentDelivery[];
  /**
   * Queues those that did not reach the receiver, oldest first, and stores the list's end. Undefined when there are
   * none.
   */
  readonly take: (() => Promise<void>) | undefined;
}

/**
 * Lists the deliveries since the last call, and finds those that did not reach the receiver. Writes nothing. The first
 * call of a yard only finds the end of the list.
 */
export async function listMissedDeliveries(
  deps: ReceiveDeps,
  { host, codeHost, known }: PullInput,
): Promise<ListedDeliveries> {
  const { records, clock, wake } = deps;
  const key = `hooks/pulled/${host.name}`;
  const found = await records.get(key, clock.now());
  const since = toInstant(found?.value);
  const listed = await codeHost.listDeliveries(since);
  const knownIds = new Set(known.map(({ id }) => id));
  const isMissed = ({ id, isTaken }: SentDelivery) => (!isTaken || isPullOnly(host)) && !knownIds.has(id);
  const missed = since === undefined ? [] : listed.filter(isMissed);
  const newest = Math.max(since ?? 0, ...listed.map(({ position }) => position));
  if (missed.length === 0 && newest === since) return { listed, take: undefined };
  const take = async (): Promise<void> => {
    for (const { id, headers, body = await codeHost.findDeliveryBody(id) } of missed.toReversed()) {
      if (body !== undefined) await takeRead(deps, host, { headers, body });
    }
    if (missed.length > 0) wake("hosts");
    if (newest === since) return;
    // The value of a concurrent process is as good.
    await records.put({ key, value: { at: newest }, expected: found?.version ?? "absent", now: clock.now() });
  };
  return { listed, take };
}

function toInstant(value: unknown): number | undefined {
  const at = isMap(value) ? value["at"] : undefined;
  return typeof at === "number" ? at : undefined;
}
