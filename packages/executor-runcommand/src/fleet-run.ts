import type { RunCommandConfig } from "./definition.ts";
import { type FleetInstanceReport, PAGE_SIZE } from "./fleet-report.ts";
import type { Platform } from "./select-instances.ts";
import { addTallies, NOT_SENT, type Tally, toTally } from "./tally.ts";

/** A run as its record holds it; the instances are in the report's pages. */
export interface RunState {
  readonly version: 1;
  readonly runId: string;
  /** The idempotency key of the attempt that works on it. */
  readonly attempt: string;
  readonly startedAt: number;
  readonly endedAt?: number;
  /** What is applied, as it was when the run began. */
  readonly artifact?: RunCommandConfig["artifact"];
  /** `targets`: one command, whose instances SSM finds. */
  readonly way: "ids" | "targets";
  /** Of the way `targets`: the instances were selected before, and SSM may find others with the same tag that were not. */
  readonly isPinned?: boolean;
  /** Instances with other roles need another command. */
  readonly byInventory: boolean;
  readonly maxConcurrency: number;
  readonly maxErrors: number;
  /** As the config says, where SSM keeps them. */
  readonly limits?: { readonly maxConcurrency: string; readonly maxErrors: string };
  /** The number of the next chunk; it is part of its command's comment. */
  readonly nextChunk: number;
  /** What is being sent: after a crash, SSM is asked which of it was. */
  readonly sending: readonly SendingChunk[];
  readonly sendingAt?: number;
  readonly lastSentAt?: number;
  /** Commands that SSM did not take up because the account had too many; nothing is sent until then. */
  readonly refusals?: number;
  readonly pausedUntil?: number;
  /** Why nothing more is sent. */
  readonly stop?: RunStop;
  readonly cancelledAt?: number;
  /** SSM was asked to cancel whatever ran then. */
  readonly isCancelAsked?: boolean;
  /** Of the way `targets`. */
  readonly fleetCommand?: {
    readonly commandId: string;
    readonly status?: string;
    /** An end that was seen before all of its instances were listed. */
    readonly ending?: string;
  };
  /** One for each page of the report. */
  readonly tallies: readonly Tally[];
}

/** Why nothing more is sent. */
export interface RunStop {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
}

/** One command: to these instances, or to whom the targets are. */
export interface SendingChunk {
  readonly chunk: number;
  readonly ids: readonly string[];
  readonly platform: Platform;
  readonly roles: readonly string[];
  readonly maxConcurrency: string;
  readonly maxErrors: string;
}

/** A run and those pages of its report that are needed now. */
export interface FleetRun {
  readonly state: RunState;
  readonly pages: ReadonlyMap<number, readonly FleetInstanceReport[]>;
}

/** Where the whole run stands. */
export function tallyOf({ state }: FleetRun): Tally {
  return addTallies(state.tallies);
}

/** The instances of the pages that are there, in the order of the report. */
export function listInstances({ pages }: FleetRun): readonly FleetInstanceReport[] {
  return [...pages].toSorted(([a], [b]) => a - b).flatMap(([, instances]) => instances);
}

/** The run with some of its instances changed; `change` gives back the same object where nothing changes. */
export function updateInstances(
  run: FleetRun,
  change: (instance: FleetInstanceReport) => FleetInstanceReport,
): FleetRun {
  const pages = new Map(run.pages);
  const tallies = [...run.state.tallies];
  for (const [number, instances] of run.pages) {
    const changed = instances.map(change);
    if (changed.every((instance, index) => instance === instances[index])) continue;
    pages.set(number, changed);
    tallies[number] = toTally(changed);
  }
  return { state: { ...run.state, tallies }, pages };
}

/** The run with more instances at its end, on the last page and on new ones. The last page must be there. */
export function addInstances(run: FleetRun, added: readonly FleetInstanceReport[]): FleetRun {
  if (added.length === 0) return run;
  const pages = new Map(run.pages);
  const tallies = [...run.state.tallies];
  const last = Math.max(0, tallies.length - 1);
  const instances = [...(pages.get(last) ?? []), ...added];
  for (let page = last, from = 0; from < instances.length; page += 1, from += PAGE_SIZE) {
    const part = instances.slice(from, from + PAGE_SIZE);
    pages.set(page, part);
    tallies[page] = toTally(part);
  }
  return { state: { ...run.state, tallies }, pages };
}

/** What is about to be sent, kept before it is. */
export function noteSending(run: FleetRun, chunks: readonly SendingChunk[], now: number): FleetRun {
  const nextChunk = Math.max(run.state.nextChunk, ...chunks.map(({ chunk }) => chunk + 1));
  return { ...run, state: { ...run.state, sending: chunks, sendingAt: now, nextChunk } };
}

/** A chunk that SSM took: its instances run, but for those that were left out of it. */
export function noteSent(
  run: FleetRun,
  { chunk, ids }: Pick<SendingChunk, "chunk" | "ids">,
  { commandId, startedAt }: { readonly commandId: string; readonly startedAt: number },
): FleetRun {
  const sent = new Set(ids);
  const noted = updateInstances(run, (instance) =>
    sent.has(instance.instanceId) && instance.state !== "skipped"
      ? { ...toWaiting(instance), state: "running", commandId, startedAt }
      : instance,
  );
  return withoutSending({ ...noted, state: { ...noted.state, lastSentAt: startedAt } }, chunk);
}

/** Instances that failed before anything was sent to them. */
export function noteFailed(run: FleetRun, ids: readonly string[], code: string): FleetRun {
  const meant = new Set(ids);
  return updateInstances(run, (instance) =>
    meant.has(instance.instanceId) && instance.state !== "skipped" ? { ...instance, state: "failed", code } : instance,
  );
}

/** A chunk that SSM refused for good: its instances count as failures, and nothing more is sent. */
export function noteRefused(run: FleetRun, { chunk, ids }: SendingChunk, stop: RunStop): FleetRun {
  const meant = new Set(ids);
  const noted = updateInstances(run, (instance) =>
    meant.has(instance.instanceId) && instance.state === "not-sent"
      ? { ...instance, code: NOT_SENT, detailedStatus: stop.code }
      : instance,
  );
  return withoutSending({ ...noted, state: { ...noted.state, stop: run.state.stop ?? stop } }, chunk);
}

/** The run without a chunk among those that are being sent. */
export function withoutSending(run: FleetRun, chunk: number): FleetRun {
  return { ...run, state: { ...run.state, sending: run.state.sending.filter((each) => each.chunk !== chunk) } };
}

/** Nothing more is sent. What still waits on the pages that are there becomes `NOT_SENT`. */
export function noteStopped(run: FleetRun, stop: RunStop): FleetRun {
  const stopped = { ...run, state: { ...run.state, stop: run.state.stop ?? stop } };
  return updateInstances(stopped, (instance) => (isWaiting(instance) ? { ...instance, code: NOT_SENT } : instance));
}

/** True for an instance that is still to be sent to. */
export function isWaiting({ state, code }: FleetInstanceReport): boolean {
  return state === "not-sent" && code === undefined;
}

/** An instance as it was before anything was sent to it. */
export function toWaiting({ instanceId, roles, platform }: FleetInstanceReport): FleetInstanceReport {
  return { instanceId, state: "not-sent", roles, ...(platform === undefined ? {} : { platform }) };
}
