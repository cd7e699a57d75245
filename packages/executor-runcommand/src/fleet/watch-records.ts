import type { Clock, Records } from "@stackyard/core";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { RunIntent } from "./run-intent.ts";

const Hook = Type.Object({ group: Type.String(), hook: Type.String(), token: Type.String() });

/** A run that is looked after until it has ended: what hangs on its end, and what it was to be started with. */
export const Watch = Type.Object({
  intent: RunIntent,
  /** Lifecycle actions that wait for it. */
  hooks: Type.Array(Hook, { maxItems: 100 }),
  heartbeatAt: Type.Integer(),
  /** The schedule leaves it alone until then; absent: it is looked at each time. */
  lookAt: Type.Optional(Type.Integer()),
});
export type Watch = Static<typeof Watch>;

/** A watch as it stands in the records. */
export interface KeptWatch {
  readonly key: string;
  readonly version: number;
  readonly watch: Watch;
}

interface WatchRecordsDeps {
  readonly records: Records;
  readonly clock: Clock;
}

const DAY_MS = 86_400_000;
/** A run that has failed can be tried again for 30 days; a pipeline's action lasts a day, a lifecycle action two. */
const KEEP_MS = (30 + 3) * DAY_MS;
const PREFIX = "fleet-watch/";

const validator = Compile(Watch);

/** The watch over a run; undefined when there is none, or no more. */
export async function findWatch({ records, clock }: WatchRecordsDeps, runId: string): Promise<KeptWatch | undefined> {
  const record = await records.get(PREFIX + runId, clock.now());
  return toKept(record);
}

/** Begins to watch over a run, or lets one more lifecycle action wait for it. */
export async function addWatch(deps: WatchRecordsDeps, intent: RunIntent, hook?: Static<typeof Hook>): Promise<void> {
  const { records, clock } = deps;
  for (;;) {
    const now = clock.now();
    const known = await findWatch(deps, intent.runId);
    const hooks = [...(known?.watch.hooks ?? []).filter(({ token }) => token !== hook?.token), ...(hook ? [hook] : [])];
    if (known !== undefined && (hook === undefined || hooks.length === known.watch.hooks.length)) return;
    const value: Watch = { intent, hooks, heartbeatAt: known?.watch.heartbeatAt ?? now };
    const expected = known?.version ?? "absent";
    const key = PREFIX + intent.runId;
    const { kind } = await records.put({ key, value, expected, expiresAt: now + KEEP_MS, now });
    if (kind === "written") return;
  }
}

/** Changes a watch; false: somebody else has changed it. */
export async function replaceWatch(
  { records, clock }: WatchRecordsDeps,
  { key, version }: KeptWatch,
  watch: Watch,
): Promise<boolean> {
  const now = clock.now();
  const input = { key, value: watch, expected: version, expiresAt: watch.intent.decidedAt + KEEP_MS, now };
  return (await records.put(input)).kind === "written";
}

/** Ends a watch; false: a lifecycle action has come to it meanwhile. */
export function removeWatch({ records }: WatchRecordsDeps, { key, version }: KeptWatch): Promise<boolean> {
  return records.remove(key, version);
}

/** A part of all watches, and where the next one begins. */
export async function listWatches(
  { records, clock }: WatchRecordsDeps,
  page: { readonly cursor?: string; readonly limit: number },
): Promise<{ readonly watches: readonly KeptWatch[]; readonly cursor?: string }> {
  const { items, cursor } = await records.list(PREFIX, { ...page, now: clock.now() });
  const watches = items.flatMap((record) => toKept(record) ?? []);
  return { watches, ...(cursor === undefined ? {} : { cursor }) };
}

function toKept(record: { key: string; version: number; value: unknown } | undefined): KeptWatch | undefined {
  if (record === undefined || !validator.Check(record.value)) return undefined;
  return { key: record.key, version: record.version, watch: record.value };
}
