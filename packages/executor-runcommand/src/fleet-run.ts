import { type Absence, decideAbsence } from "@stackyard/aws";
import { defined } from "@stackyard/core";
import {
  addItems,
  addTallies,
  type Paged,
  type RolloutState,
  type Stop,
  type Tally,
  toConcurrency,
  toCount,
  updateItems,
} from "@stackyard/core/rollout";
import { NOT_SENT, toRow } from "./count-instances.ts";
import type { RunCommandConfig } from "./definition.ts";
import { type FleetInstanceReport, PAGE_SIZE } from "./report-page.ts";
import type { Platform } from "./select-instances.ts";

/** A stored run: a rollout with one wave. The instances are in the report's pages. */
export interface RunState extends RolloutState {
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
  /** The number of the next chunk; it is part of its command's comment, and never used again. */
  readonly nextChunk: number;
  /** Chunks being sent. After a crash, SSM is queried for them. */
  readonly sending: readonly SendingChunk[];
  readonly sendingAt?: number;
  readonly lastSentAt?: number;
  /** The number of times that SSM rejected commands because the account had too many. */
  readonly refusals?: number;
  readonly cancelledAt?: number;
  /** True if SSM was requested to cancel all running commands. */
  readonly isCancelAsked?: boolean;
  /** The command of a fleet that is sent by `targets`. */
  readonly fleetCommand?: {
    readonly commandId: string;
    readonly status?: string;
  };
  /** The absences at the last looks: commands that have ended with instances missing, instances of EC2, and instances to send to. */
  readonly unseen?: Readonly<Record<string, Absence>>;
  /** When the running instances were last looked for in EC2. */
  readonly goneLookedAt?: number;
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
export type FleetRun = Paged<FleetInstanceReport, RunState>;

/** Returns the totals of the whole run. */
export function tallyOf({ state }: FleetRun): Tally {
  return addTallies(state.tallies.flat());
}

/** Updates some instances of the run; `change` returns the same object if nothing changes. */
export function updateInstances(
  run: FleetRun,
  change: (instance: FleetInstanceReport) => FleetInstanceReport,
): FleetRun {
  return updateItems(run, toRow, change);
}

/** Appends instances to the run, on the last page and on new ones. The last page must be loaded. */
export function addInstances(run: FleetRun, added: readonly FleetInstanceReport[]): FleetRun {
  return addItems(run, added, { pageRows: PAGE_SIZE, toRow });
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
export function noteRefused(run: FleetRun, { chunk, ids }: SendingChunk, stop: Stop): FleetRun {
  const meant = new Set(ids);
  const noted = updateInstances(run, (instance) =>
    meant.has(instance.instanceId) && instance.state === "not-sent"
      ? { ...instance, code: NOT_SENT, detailedStatus: stop.code }
      : instance,
  );
  return withoutSending({ ...noted, state: { ...noted.state, stop: run.state.stop ?? stop } }, chunk);
}

/**
 * Records that SSM does not know instances of a chunk that it lists as online. Pauses, because its parts may disagree for
 * a while, as after a registration; after looks in a row the instances have failed.
 */
export function noteUnknown(run: FleetRun, { chunk, ids }: SendingChunk, now: number): FleetRun {
  const key = `send ${ids[0]}`;
  const { kind, absence, afterMs } = decideAbsence(run.state.unseen?.[key], now);
  const left = withoutSending(run, chunk);
  if (kind === "unknown") return noteFailed(withUnseen(left, key, undefined), ids, "SSM_NOT_ONLINE");
  const { state, ...paged } = withUnseen(left, key, absence);
  return { ...paged, state: { ...state, pausedUntil: now + afterMs } };
}

/** Records how often something was not shown; undefined: it was. */
export function withUnseen(run: FleetRun, key: string, absence: Absence | undefined): FleetRun {
  const { [key]: _, ...others } = run.state.unseen ?? {};
  return { ...run, state: { ...run.state, unseen: { ...others, ...(absence && { [key]: absence }) } } };
}

/** Removes a chunk from those being sent. */
export function withoutSending(run: FleetRun, chunk: number): FleetRun {
  return { ...run, state: { ...run.state, sending: run.state.sending.filter((each) => each.chunk !== chunk) } };
}

/** Stops sending. Waiting instances on the loaded pages become `NOT_SENT`. */
export function noteStopped(run: FleetRun, stop: Stop): FleetRun {
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
  extends Pick<
    RunState,
    "runId" | "attempt" | "startedAt" | "artifact" | "way" | "isPinned" | "limits" | "byInventory"
  > {
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
    wave: 0,
    nextChunk: 1,
    sending: [],
    tallies: [],
  };
  return addInstances({ state, pages: new Map([[0, []]]) }, members);
}
