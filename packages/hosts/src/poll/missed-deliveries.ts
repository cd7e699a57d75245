import { defineRecordKind } from "@stackyard/core/services";
import { Type } from "typebox";
import type { CodeHost, SentDelivery } from "../code-host.ts";
import { type NamedHost, type ReceiveDeps, takeRead } from "../delivery/receive.ts";
import { isPolledOnly } from "../host-options.ts";

/** The input of a read at a host. */
export interface MissedInput {
  readonly host: NamedHost;
  readonly codeHost: CodeHost;
  /** The list of the last call in this process, so that no body is read twice. */
  readonly known: readonly SentDelivery[];
}

/** Deliveries that were listed, and what follows from them. */
export interface ListedDeliveries {
  readonly listed: readonly SentDelivery[];
  /**
   * Queues those that did not reach the receiver, oldest first, and stores the list's end. Returns those that failed,
   * which are tried again: the end is not stored before. Undefined without any.
   */
  readonly take: (() => Promise<readonly FailedDelivery[]>) | undefined;
}

/** A delivery that could not be read at the host, or not be queued. */
interface FailedDelivery {
  readonly delivery: SentDelivery;
  readonly error: unknown;
}

/** Where the list of a host's deliveries ended. */
const listEnds = defineRecordKind({
  prefix: "hooks/pulled/",
  value: Type.Object({ at: Type.Number() }),
  holds: "up to where the deliveries of a host were read",
  kept: "as long as the yard",
  damaged: "missing",
});

/**
 * Lists the deliveries since the last call, and finds those that did not reach the receiver. Writes nothing. The first
 * call of a yard only finds the end of the list.
 */
export async function listMissedDeliveries(
  deps: ReceiveDeps,
  { host, codeHost, known }: MissedInput,
): Promise<ListedDeliveries> {
  const since = (await listEnds.find(deps, host.name))?.at;
  const listed = await codeHost.listDeliveries(since);
  const knownIds = new Set(known.map(({ id }) => id));
  const isMissed = ({ id, isTaken }: SentDelivery) => (!isTaken || isPolledOnly(host)) && !knownIds.has(id);
  const missed = since === undefined ? [] : listed.filter(isMissed);
  const newest = Math.max(since ?? 0, ...listed.map(({ position }) => position));
  if (missed.length === 0 && newest === since) return { listed, take: undefined };
  const take = async (): Promise<readonly FailedDelivery[]> => {
    const failed = await takeEach(deps, { host, codeHost }, missed.toReversed());
    if (missed.length > 0) deps.wake("hosts");
    if (newest === since || failed.length > 0) return failed;
    await listEnds.change(deps, host.name, (found) =>
      found !== undefined && found.value.at >= newest ? {} : { write: { value: { at: newest } } },
    );
    return [];
  };
  return { listed, take };
}

/** Takes each delivery: one that the host does not send does not hide the later ones. */
async function takeEach(
  deps: ReceiveDeps,
  { host, codeHost }: Pick<MissedInput, "host" | "codeHost">,
  missed: readonly SentDelivery[],
): Promise<readonly FailedDelivery[]> {
  const failed: FailedDelivery[] = [];
  for (const delivery of missed) {
    const { id, headers } = delivery;
    try {
      const body = delivery.body ?? (await codeHost.findDeliveryBody(id));
      if (body !== undefined) await takeRead(deps, host, { headers, body });
    } catch (error) {
      failed.push({ delivery, error });
    }
  }
  return failed;
}
