import { defined } from "@stackyard/core";
import type { RunCommandConfig } from "./definition.ts";
import type { Platform } from "./select-instances.ts";

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
  /** What is being sent. After a crash, SSM is queried for what was sent. */
  readonly sending: readonly SendingChunk[];
  readonly sendingAt?: number;
  readonly lastSentAt?: number;
  /** SSM rejected commands because the account had too many; nothing is sent before this instant. */
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
  return { instanceId, state: "not-sent", roles, ...defined({ platform }) };
}

/** What a run begins with. */
interface CreateRunInput
  extends Pick<RunState, "runId" | "attempt" | "startedAt" | "artifact" | "way" | "byInventory"> {
  readonly members: readonly FleetInstanceReport[];
  readonly maxConcurrency: string | number;
  readonly maxErrors: string | number;
}

/** A run of which nothing has been sent. Percentages are of the instances that were selected. */
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

/** What a run knows of one instance. */
export interface FleetInstanceReport {
  readonly instanceId: string;
  /** `not-sent` without a code: still to be sent. */
  readonly state: InstanceState;
  /** Why it failed, was skipped or not sent; `NO_ROLES` is a warning of a success. */
  readonly code?: string;
  readonly roles: readonly string[];
  readonly platform?: Platform;
  readonly commandId?: string;
  /** As SSM spells it; of an instance whose command SSM refused, SSM's or our code. */
  readonly detailedStatus?: string;
  /** `-1`: not started. */
  readonly responseCode?: number;
  /** Epoch milliseconds. */
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly stdoutTail?: string;
  readonly stderrTail?: string;
  /** One of the texts is not whole. */
  readonly cut?: boolean;
  readonly links?: { readonly stdout?: string; readonly stderr?: string };
}

/** How many instances of a run stand where. */
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

/** A part of a run's report, as its record holds it: at most 200 KiB. */
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

/** Instances of one page, so that a poll writes little and a page has room for what they said. */
const PAGE_SIZE = 50;

/** The key of a page's record. */
export function toPageKey(runId: string, page: number): string {
  return `run-report/${runId}/${String(page).padStart(4, "0")}`;
}

/** How many instances of a page, or of a run, stand where. */
export interface Tally {
  /** Still to be sent. */
  readonly waiting: number;
  readonly running: number;
  readonly succeeded: number;
  readonly skipped: number;
  /** The rest by code: failed, cancelled and not sent. */
  readonly codes: Readonly<Record<string, number>>;
}

/** The code of instances that a run which has stopped never sent to. */
const NOT_SENT = "NOT_SENT";

/** In a tally, the beginning of the codes of those among them whose own command was refused: they are failures. */
const REFUSED = "NOT_SENT:";

/** What SSM counts against `MaxErrors` (user guide, "Understanding command statuses"). */
const ERRORS: ReadonlySet<string> = new Set(["COMMAND_FAILED", "EXECUTION_TIMEOUT"]);

/** Instances that nothing was run on because they did not answer. */
const UNREACHABLE: ReadonlySet<string> = new Set(["DELIVERY_TIMEOUT", "UNDELIVERABLE", "SSM_NOT_ONLINE"]);

const EMPTY: Tally = { waiting: 0, running: 0, succeeded: 0, skipped: 0, codes: {} };

/** True for an instance that did not answer, so that nothing was run on it. */
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

/** Instances that did not succeed although they were sent to, or should have been. */
export function countFailures({ codes }: Tally, { ignoreUnreachable = false } = {}): number {
  return sumOf(codes, (code) => code !== NOT_SENT && !(ignoreUnreachable && UNREACHABLE.has(code)));
}

/** Instances that a run left out because it stopped. */
export function countNotSent({ codes }: Tally): number {
  return codes[NOT_SENT] ?? 0;
}

/** Instances whose own command was refused. */
export function countRefused({ codes }: Tally): number {
  return sumOf(codes, (code) => code.startsWith(REFUSED));
}

/** Why a command was refused, where one was. */
export function findRefusal({ codes }: Tally): string | undefined {
  return Object.keys(codes)
    .find((code) => code.startsWith(REFUSED))
    ?.slice(REFUSED.length);
}

/** The counts of a report. */
export function toCounts(tally: Tally): FleetCounts {
  const { waiting, running, succeeded, skipped } = tally;
  const notSent = waiting + countNotSent(tally) + countRefused(tally);
  const failed = sumOf(tally.codes, (code) => code !== NOT_SENT && !code.startsWith(REFUSED));
  return { selected: succeeded + failed + running + notSent, succeeded, failed, running, skipped, notSent };
}

type Place = "waiting" | "running" | "succeeded" | "skipped";
const PLACES = ["waiting", "running", "succeeded", "skipped"] as const satisfies readonly Place[];

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
  ["failed", FAILED],
]);

/** What SSM's detailed status of an invocation means; one that is not known is a failure. */
export function toInstanceState(detailedStatus: string): InstanceOutcome {
  return OUTCOMES.get(detailedStatus.replace(/[\s_-]+/g, "").toLowerCase()) ?? FAILED;
}

/** What may run or fail at once: a number of instances, or a share of them such as `10%`. */
type Share = string | number;

/** How many instances a share of so many is; parts of an instance are dropped. */
export function toCount(share: Share, total: number): number {
  const written = String(share);
  const number = Number.parseInt(written, 10);
  return written.endsWith("%") ? Math.floor((number * total) / 100) : number;
}

/** At least one, or nothing would ever be sent. */
export function toConcurrency(share: Share, total: number): number {
  return Math.max(1, toCount(share, total));
}

/** One line on where a run stands. */
export function toMessage(tally: Tally): string {
  const { selected, succeeded, failed, running, notSent } = toCounts(tally);
  const parts = [`${succeeded} succeeded`, `${failed} failed`, `${running} running`, `${notSent} waiting`];
  return `${succeeded + failed} of ${selected} instances done: ${parts.join(", ")}.`;
}

const MAX_LINES = 20;

/** A line on each instance that has failed, the first twenty of them. */
export function toFailureLines(ended: readonly FleetInstanceReport[]): readonly string[] {
  const failures = ended.filter(({ state }) => state === "failed" || state === "cancelled");
  const lines = failures.slice(0, MAX_LINES).map(toLine);
  const left = failures.length - lines.length;
  return left > 0 ? [...lines, `… and ${left} more failed; the report has them all.`] : lines;
}

function toLine({ instanceId, code, responseCode, stderrTail, stdoutTail }: FleetInstanceReport): string {
  const exit = responseCode === undefined || responseCode < 0 ? "" : `, exit code ${responseCode}`;
  const said = toLastLine(stderrTail) || toLastLine(stdoutTail);
  return `${instanceId}: ${code}${exit}${said === "" ? "" : `: ${said}`}`;
}

function toLastLine(text = ""): string {
  return (text.trimEnd().split("\n").at(-1) ?? "").trim().slice(0, 200);
}

const OPEN: ReadonlySet<string> = new Set(["pending", "inprogress", "delayed", "cancelling", "canceling"]);

/** Detailed states of a command after which nothing happens to it. None is known yet: not final. */
export function isFinalStatus(status: string | undefined): boolean {
  return status !== undefined && !OPEN.has(status.replace(/\s+/g, "").toLowerCase());
}
