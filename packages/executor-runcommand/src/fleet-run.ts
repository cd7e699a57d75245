import { chunk, defined } from "@stackyard/core";
import type { RunCommandConfig } from "./definition.ts";
import type { Platform } from "./select-instances.ts";

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

/** The state of one instance in a run. */
export interface FleetInstanceReport {
  readonly instanceId: string;
  /** `not-sent` without a code: still to be sent. */
  readonly state: InstanceState;
  /** Why it failed, was skipped or not sent; `NO_ROLES` is a warning of a success. */
  readonly code?: string;
  readonly roles: readonly string[];
  readonly platform?: Platform;
  readonly commandId?: string;
  /** As in SSM; the code of SSM or ours if SSM rejected its command. */
  readonly detailedStatus?: string;
  /** `-1`: not started. */
  readonly responseCode?: number;
  /** Epoch milliseconds. */
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly stdoutTail?: string;
  readonly stderrTail?: string;
  /** True if one of the texts was cut. */
  readonly cut?: boolean;
  readonly links?: { readonly stdout?: string; readonly stderr?: string };
}

/** How many instances of a run are in each state. */
export interface FleetCounts {
  readonly selected: number;
  readonly succeeded: number;
  /** Failed or cancelled. */
  readonly failed: number;
  readonly running: number;
  readonly skipped: number;
  /** Still to be sent, or never sent. */
  readonly notSent: number;
}

/** A part of a run's report, as stored in its record: at most 200 KiB. */
export interface FleetReportPage {
  readonly runId: string;
  readonly instances: readonly FleetInstanceReport[];
  /** On the first page: the whole run. */
  readonly counts?: FleetCounts;
  readonly artifact?: { readonly bucket: string; readonly key: string; readonly versionId?: string };
  readonly source?: string;
  readonly startedAt?: number;
  readonly endedAt?: number;
}

/** Instances per page, so that a poll writes little and a page has space for their output. */
const PAGE_SIZE = 50;

/** Returns the key of a page's record. */
export function toPageKey(runId: string, page: number): string {
  return `run-report/${runId}/${String(page).padStart(4, "0")}`;
}

/** How many instances of a page, or of a run, are in each state. */
export interface Tally {
  /** Still to be sent. */
  readonly waiting: number;
  readonly running: number;
  readonly succeeded: number;
  readonly skipped: number;
  /** The rest by code: failed, cancelled and not sent. */
  readonly codes: Readonly<Record<string, number>>;
}

/** The code of instances to which a stopped run never sent. */
const NOT_SENT = "NOT_SENT";

/** Prefix in a tally of the codes of rejected commands among them: those are failures. */
const REFUSED = "NOT_SENT:";

/** What SSM counts against `MaxErrors` (user guide, "Understanding command statuses"). */
const ERRORS: ReadonlySet<string> = new Set(["COMMAND_FAILED", "EXECUTION_TIMEOUT"]);

/** Instances that did not answer, so nothing was run on them. */
const UNREACHABLE: ReadonlySet<string> = new Set(["DELIVERY_TIMEOUT", "UNDELIVERABLE", "SSM_NOT_ONLINE"]);

const EMPTY: Tally = { waiting: 0, running: 0, succeeded: 0, skipped: 0, codes: {} };

/** Returns true for an instance that did not answer, so that nothing was run on it. */
export function isUnreachable({ code = "" }: FleetInstanceReport): boolean {
  return UNREACHABLE.has(code);
}

/** Counts instances. */
export function toTally(instances: readonly FleetInstanceReport[]): Tally {
  const tally = { ...EMPTY, codes: {} as Record<string, number> };
  for (const instance of instances) {
    const place = findPlace(instance);
    if (place === undefined) {
      const code = toCode(instance);
      tally.codes[code] = (tally.codes[code] ?? 0) + 1;
    } else tally[place] += 1;
  }
  return tally;
}

/** Adds up the tallies of pages. */
export function addTallies(tallies: readonly Tally[]): Tally {
  const codes: Record<string, number> = {};
  for (const tally of tallies) {
    for (const [code, count] of Object.entries(tally.codes)) codes[code] = (codes[code] ?? 0) + count;
  }
  const sum = (place: Place) => tallies.reduce((total, tally) => total + tally[place], 0);
  const [waiting, running, succeeded, skipped] = PLACES.map(sum);
  return { ...EMPTY, waiting, running, succeeded, skipped, codes } as Tally;
}

/** Failures that stop a run once there are more than its limit. */
export function countErrors({ codes }: Tally): number {
  return sumOf(codes, (code) => ERRORS.has(code));
}

/** Counts instances that failed although they were sent to, or should have been. */
export function countFailures({ codes }: Tally, { ignoreUnreachable = false } = {}): number {
  return sumOf(codes, (code) => code !== NOT_SENT && !(ignoreUnreachable && UNREACHABLE.has(code)));
}

/** Counts instances that a run left out because it stopped. */
export function countNotSent({ codes }: Tally): number {
  return codes[NOT_SENT] ?? 0;
}

/** Counts instances with a rejected command. */
export function countRefused({ codes }: Tally): number {
  return sumOf(codes, (code) => code.startsWith(REFUSED));
}

/** Returns why a command was rejected; undefined if none was. */
export function findRefusal({ codes }: Tally): string | undefined {
  return Object.keys(codes)
    .find((code) => code.startsWith(REFUSED))
    ?.slice(REFUSED.length);
}

/** Returns the counts of a report. */
export function toCounts(tally: Tally): FleetCounts {
  const { waiting, running, succeeded, skipped } = tally;
  const notSent = waiting + countNotSent(tally) + countRefused(tally);
  const failed = sumOf(tally.codes, (code) => code !== NOT_SENT && !code.startsWith(REFUSED));
  return { selected: succeeded + failed + running + notSent, succeeded, failed, running, skipped, notSent };
}

const PLACES = ["waiting", "running", "succeeded", "skipped"] as const;
type Place = (typeof PLACES)[number];

function findPlace({ state, code }: FleetInstanceReport): Place | undefined {
  if (state === "not-sent") return code === undefined ? "waiting" : undefined;
  return state === "failed" || state === "cancelled" ? undefined : state;
}

function toCode({ state, code = "COMMAND_FAILED", detailedStatus }: FleetInstanceReport): string {
  return state === "not-sent" && detailedStatus !== undefined ? `${REFUSED}${detailedStatus}` : code;
}

function sumOf(codes: Tally["codes"], isMeant: (code: string) => boolean): number {
  return Object.entries(codes).reduce((sum, [code, count]) => (isMeant(code) ? sum + count : sum), 0);
}

/** What became of one instance. `not-sent` without a code is still to be sent. */
export type InstanceState = "succeeded" | "failed" | "running" | "cancelled" | "not-sent" | "skipped";

/** A state, with the code of a failure. */
export interface InstanceOutcome {
  readonly state: InstanceState;
  readonly code?: string;
}

const RUNNING: InstanceOutcome = { state: "running" };
const CANCELLED: InstanceOutcome = { state: "cancelled", code: "CANCELLED" };
const FAILED: InstanceOutcome = { state: "failed", code: "COMMAND_FAILED" };

// "Understanding command statuses" (Systems Manager user guide). The same state is spelt with and without spaces, and
// cancelled with one l or two, so both are taken out before the comparison. `TimedOut` is the coarse status.
const OUTCOMES: ReadonlyMap<string, InstanceOutcome> = new Map([
  ["success", { state: "succeeded" }],
  ["pending", RUNNING],
  ["inprogress", RUNNING],
  ["delayed", RUNNING],
  ["cancelling", RUNNING],
  ["canceling", RUNNING],
  ["cancelled", CANCELLED],
  ["canceled", CANCELLED],
  ["terminated", { state: "cancelled", code: "TERMINATED" }],
  ["deliverytimedout", { state: "failed", code: "DELIVERY_TIMEOUT" }],
  ["executiontimedout", { state: "failed", code: "EXECUTION_TIMEOUT" }],
  ["timedout", { state: "failed", code: "EXECUTION_TIMEOUT" }],
  ["undeliverable", { state: "failed", code: "UNDELIVERABLE" }],
  ["invalidplatform", { state: "failed", code: "INVALID_PLATFORM" }],
  ["accessdenied", { state: "failed", code: "INSTANCE_ACCESS_DENIED" }],
  ["failed", FAILED],
]);

/** Converts SSM's detailed status of an invocation; an unknown one is a failure. */
export function toInstanceState(detailedStatus: string): InstanceOutcome {
  return OUTCOMES.get(detailedStatus.replace(/[\s_-]+/g, "").toLowerCase()) ?? FAILED;
}

/** A limit of concurrent runs or failures: a number of instances, or a share such as `10%`. */
type Share = string | number;

/** Returns the number of instances in a share, rounded down. */
export function toCount(share: Share, total: number): number {
  const written = String(share);
  const number = Number.parseInt(written, 10);
  return written.endsWith("%") ? Math.floor((number * total) / 100) : number;
}

/** Returns the concurrency: at least one, or nothing would ever be sent. */
export function toConcurrency(share: Share, total: number): number {
  return Math.max(1, toCount(share, total));
}

/** Formats the state of a run in one line. */
export function toMessage(tally: Tally): string {
  const { selected, succeeded, failed, running, notSent } = toCounts(tally);
  const parts = [`${succeeded} succeeded`, `${failed} failed`, `${running} running`, `${notSent} waiting`];
  return `${succeeded + failed} of ${selected} instances done: ${parts.join(", ")}.`;
}

const MAX_LINES = 20;

/** Formats a line for each failed instance, the first twenty of them. */
export function toFailureLines(ended: readonly FleetInstanceReport[]): readonly string[] {
  const failures = ended.filter(({ state }) => state === "failed" || state === "cancelled");
  const lines = failures.slice(0, MAX_LINES).map(toLine);
  const left = failures.length - lines.length;
  return left > 0 ? [...lines, `… and ${left} more failed; the report has them all.`] : lines;
}

function toLine(report: FleetInstanceReport): string {
  const { instanceId, code, responseCode, stderrTail, stdoutTail } = report;
  const hasExit = responseCode !== undefined && responseCode >= 0;
  const exit = hasExit ? `, exit code ${responseCode}` : toStatusText(report);
  const said = toLastLine(stderrTail) || toLastLine(stdoutTail);
  return `${instanceId}: ${code}${exit}${said === "" ? "" : `: ${said}`}`;
}

/** Statuses that a code names already, or that say nothing more. */
const USUAL =
  /^(success|failed|(delivery|execution)?timedout|undeliverable|cancell?ed|terminated|pending|inprogress)$/i;

/** Formats SSM's own status of a command that never ran, which people look up. */
function toStatusText({ detailedStatus = "" }: FleetInstanceReport): string {
  const plain = detailedStatus.replace(/[\s_-]+/g, "");
  return plain === "" || USUAL.test(plain) ? "" : ` (${detailedStatus})`;
}

function toLastLine(text = ""): string {
  return (text.trimEnd().split("\n").at(-1) ?? "").trim().slice(0, 200);
}

/** Returns true for a final detailed status of a command. Unknown yet: not final. */
export function isFinalStatus(status: string | undefined): boolean {
  return status !== undefined && toInstanceState(status).state !== "running";
}
