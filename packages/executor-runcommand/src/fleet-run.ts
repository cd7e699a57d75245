import { chunk, defined } from "@stackyard/core";
import { toConcurrency, toCount } from "@stackyard/core/rollout";
import type { RunCommandConfig } from "./definition.ts";
import { type FleetInstanceReport, PAGE_SIZE } from "./report-page.ts";
import type { Platform } from "./select-instances.ts";
import { addTallies, NOT_SENT, type Tally, toTally } from "./tally.ts";

/** A run as stored in its record; the instances are in the report's pages. */
export interface RunState {
  readonly version: 1;
  readonly runId: string;
  /** The idempotency key of the attempt that works on it. */
  readonly attempt: string;
  readonly startedAt: number;
  readonly endedAt?: number;
  /** The artifact, as of the start of the run. */
  readonly artifact?: RunCommandConfig["artifact"];
  /** `targets`: one command, for which SSM finds the instances. */
  readonly way: "ids" | "targets";
  /** True if the instances were selected before, with the way `targets`: SSM may find others with the same tag. */
  readonly isPinned?: boolean;
  /** True if instances with other roles need another command. */
  readonly byInventory: boolean;
  readonly maxConcurrency: number;
  readonly maxErrors: number;
  /** The configured limits, if SSM enforces them. */
  readonly limits?: { readonly maxConcurrency: string; readonly maxErrors: string };
  /** The number of the next chunk; it is part of its command's comment. */
  readonly nextChunk: number;
  /** Chunks being sent. After a crash, SSM is queried for them. */
  readonly sending: readonly SendingChunk[];
  readonly sendingAt?: number;
  readonly lastSentAt?: number;
  /** SSM rejected commands because the account had too many; nothing is sent before this instant. */
  readonly refusals?: number;
  readonly pausedUntil?: number;
  /** Why nothing more is sent. */
  readonly stop?: RunStop;
  readonly cancelledAt?: number;
  /** True if SSM was requested to cancel all running commands. */
  readonly isCancelAsked?: boolean;
  /** Of the way `targets`. */
  readonly fleetCommand?: {
    readonly commandId: string;
    readonly status?: string;
    /** A final status that was seen before all instances were listed. */
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

/** Returns the totals of the whole run. */
export function tallyOf({ state }: FleetRun): Tally {
  return addTallies(state.tallies);
}

/** Returns the instances of the loaded pages, in the order of the report. */
export function listInstances({ pages }: FleetRun): readonly FleetInstanceReport[] {
  return [...pages].toSorted(([a], [b]) => a - b).flatMap(([, instances]) => instances);
}

/** Updates some instances of the run; `change` returns the same object if nothing changes. */
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

/** Appends instances to the run, on the last page and on new ones. The last page must be loaded. */
export function addInstances(run: FleetRun, added: readonly FleetInstanceReport[]): FleetRun {
  if (added.length === 0) return run;
  const pages = new Map(run.pages);
  const tallies = [...run.state.tallies];
  const last = Math.max(0, tallies.length - 1);
  const instances = [...(pages.get(last) ?? []), ...added];
  for (const [index, part] of chunk(instances, PAGE_SIZE).entries()) {
    pages.set(last + index, part);
    tallies[last + index] = toTally(part);
  }
  return { state: { ...run.state, tallies }, pages };
}

/** Records what will be sent, before it is. */
export function noteSending(run: FleetRun, chunks: readonly SendingChunk[], now: number): FleetRun {
  const nextChunk = Math.max(run.state.nextChunk, ...chunks.map(({ chunk }) => chunk + 1));
  return { ...run, state: { ...run.state, sending: chunks, sendingAt: now, nextChunk } };
}

/** Records a chunk that SSM accepted: its instances run, except those that were left out of it. */
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

/** Records instances that failed before anything was sent to them. */
export function noteFailed(run: FleetRun, ids: readonly string[], code: string): FleetRun {
  const meant = new Set(ids);
  return updateInstances(run, (instance) =>
    meant.has(instance.instanceId) && instance.state !== "skipped" ? { ...instance, state: "failed", code } : instance,
  );
}

/** Records a chunk that SSM rejected permanently: its instances count as failures, and nothing more is sent. */
export function noteRefused(run: FleetRun, { chunk, ids }: SendingChunk, stop: RunStop): FleetRun {
  const meant = new Set(ids);
  const noted = updateInstances(run, (instance) =>
    meant.has(instance.instanceId) && instance.state === "not-sent"
      ? { ...instance, code: NOT_SENT, detailedStatus: stop.code }
      : instance,
  );
  return withoutSending({ ...noted, state: { ...noted.state, stop: run.state.stop ?? stop } }, chunk);
}

/** Removes a chunk from those being sent. */
export function withoutSending(run: FleetRun, chunk: number): FleetRun {
  return { ...run, state: { ...run.state, sending: run.state.sending.filter((each) => each.chunk !== chunk) } };
}

/** Stops sending. Waiting instances on the loaded pages become `NOT_SENT`. */
export function noteStopped(run: FleetRun, stop: RunStop): FleetRun {
  const stopped = { ...run, state: { ...run.state, stop: run.state.stop ?? stop } };
  return updateInstances(stopped, (instance) => (isWaiting(instance) ? { ...instance, code: NOT_SENT } : instance));
}

/** Returns true for an instance that still waits to be sent to. */
export function isWaiting({ state, code }: FleetInstanceReport): boolean {
  return state === "not-sent" && code === undefined;
}

/** Returns an instance in its state before anything was sent to it. */
export function toWaiting({ instanceId, roles, platform }: FleetInstanceReport): FleetInstanceReport {
  return { instanceId, state: "not-sent", roles, ...defined({ platform }) };
}

/** The input of a new run. */
interface CreateRunInput
  extends Pick<RunState, "runId" | "attempt" | "startedAt" | "artifact" | "way" | "byInventory"> {
  readonly members: readonly FleetInstanceReport[];
  readonly maxConcurrency: string | number;
  readonly maxErrors: string | number;
}

/** Creates a run before anything was sent. Percentages refer to the selected instances. */
export function createRun({ members, maxConcurrency, maxErrors, ...given }: CreateRunInput): FleetRun {
  const selected = members.filter(({ state }) => state !== "skipped").length;
  const state: RunState = {
    version: 1,
    ...given,
    maxConcurrency: toConcurrency(maxConcurrency, selected),
    maxErrors: toCount(maxErrors, selected),
    nextChunk: 1,
    sending: [],
    tallies: [],
  };
  return addInstances({ state, pages: new Map([[0, []]]) }, members);
}
