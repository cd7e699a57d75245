import { type DescribedStack, defined, trimEndOf } from "@stackyard/core";
import { findStall } from "@stackyard/core/engine";
import { listApprovals, type OpenApproval } from "../delivery/approve-by-comment.ts";
import type { CommitVerdict } from "./commit-notes.ts";
import { type PhaseInput, type PreviewPhase, toPhase } from "./preview-phase.ts";
import { findLink, findOwnLink, toLine } from "./safe-text.ts";

/** The facts about a stack in a report. Texts are foreign. */
export interface PreviewFacts {
  readonly stackId: string;
  /** Missing: it has ended. */
  readonly state?: string;
  readonly phase: PreviewPhase;
  /** Why it is not ready. */
  readonly reason?: string;
  /** Why it was not removed with its pull request. */
  readonly kept?: string;
  /** The end of the wait. Epoch milliseconds. */
  readonly until?: number;
  readonly url?: string;
  readonly plan?: string;
  /** USD a month. */
  readonly monthlyCost?: number;
  readonly expiresAt?: number;
  readonly owner?: string;
  readonly drift?: string;
  readonly links: readonly PreviewLink[];
  /** The stack's page in the console. */
  readonly console?: string;
  /** Pages with actions on the stack, such as wake it. */
  readonly actions?: readonly PreviewLink[];
  readonly failure?: PreviewFailure;
  /** Approvals that people may give by comment. */
  readonly approvals?: readonly OpenApproval[];
  /** The commits of the pull request in it. */
  readonly commits?: PreviewCommits;
}

/** The commit that a stack runs, and the one that it was given last. */
export interface PreviewCommits {
  /** Missing: none, as far as is known. */
  readonly running?: string;
  /** The stack was given something else than a commit of the pull request; missing `commit`: unknown what. */
  readonly elsewhere?: { readonly commit?: string };
  readonly newest: string;
  readonly verdict: CommitVerdict;
}

/** An address under its name. */
export interface PreviewLink {
  readonly name: string;
  readonly url: string;
}

/** A task that failed for good. */
export interface PreviewFailure {
  readonly task: string;
  readonly code?: string;
  readonly message?: string;
  /** The end of the attempt's log. */
  readonly log?: string;
}

/** Metadata, or outputs of tasks. */
type Values = Readonly<Record<string, unknown>>;

/** The known facts about a stack. */
export interface PreviewInput extends PhaseInput {
  /** Outputs of its tasks, the newest first. */
  readonly outputs: readonly Values[];
  /** The address of the console. */
  readonly yardUrl?: string | undefined;
  /** The owner if the stack does not name one. */
  readonly owner: string;
  /** The end of the log of the attempt that failed last. */
  readonly log?: string;
  /** True if people may approve by comment. Default: false. */
  readonly canApprove?: boolean;
}

const MOST_LINKS = 10;
const MAX_NAME = 64;
const URL_KEY = /^(.{1,64})_url$/;

/** Returns the facts about a stack for a report. Metadata precedes outputs: the machine's author chose it. */
export function describePreview(input: PreviewInput): PreviewFacts {
  const { described, outputs, owner, log, canApprove = false, yardUrl, actions = [] } = input;
  const { stack } = described;
  const sources: readonly Values[] = [stack.metadata, ...outputs];
  const phase = toPhase(input);
  const cost = Number(findValue(sources, "monthly_cost", "number") ?? Number.NaN);
  return {
    stackId: stack.id,
    state: stack.state,
    phase,
    ...toReason(described, phase),
    links: listLinks(sources),
    actions: actions.flatMap(({ label, url }) => toAction(label, findOwnLink(url))),
    ...defined({
      url: findLink(findValue(sources, "url", "string")),
      plan: findPlan(outputs),
      monthlyCost: Number.isFinite(cost) ? cost : undefined,
      expiresAt: toInstant(stack.metadata["expires_at"]),
      owner: findText([stack.metadata], "owner") ?? owner,
      drift: findDrift(stack.metadata, outputs),
      console: yardUrl === undefined ? undefined : toConsoleLink(yardUrl, stack.id),
      failure: toFailure(described, phase, log),
      approvals: canApprove ? listApprovals(stack) : undefined,
    }),
  };
}

/** Returns the facts about a stack that does not exist, any more or yet, for a report. */
export function describeMissing(stackId: string, phase: "ended" | "absent"): PreviewFacts {
  return { stackId, phase, links: [] };
}

function toConsoleLink(yardUrl: string, stackId: string): string | undefined {
  return findOwnLink(`${trimEndOf(yardUrl, "/")}/stack?${new URLSearchParams({ id: stackId })}`);
}

function toAction(label: string, url: string | undefined): readonly PreviewLink[] {
  return url === undefined ? [] : [{ name: toLine(label, MAX_NAME), url }];
}

type Waiting = NonNullable<DescribedStack["waitsFor"]>;

/**
 * Reasons without times, for waits whose own sentence contains one: it would be outdated after a minute, and each
 * comment would differ from the last. Workers are not named, because their names are those of computers.
 */
const REASONS: { readonly [Kind in Waiting["kind"]]?: (waitsFor: Waiting, progress: string | undefined) => string } = {
  approval: ({ task, need = 1, groups = [], given = [] }) => {
    const by = given.length === 0 ? "" : ` Approved by ${given.join(", ")}.`;
    return `${task} waits for ${need} approval${need === 1 ? "" : "s"} from ${groups.join(" or ")}.${by}`;
  },
  lease: toProgress,
  poll: toProgress,
  opening: toProgress,
  worker: ({ task }) => `${task} waits for a worker.`,
  cancel: ({ task }) => `${task} is being stopped.`,
  timer: ({ task, event, events = [] }) =>
    task === undefined
      ? `Waits for an event: ${events.join(", ")}. ${event} is sent automatically.`
      : `${task} has failed, and is tried again.`,
  leaving: ({ tasks = [] }) => `Waits until ${tasks.join(", ")} of an earlier state has ended.`,
};

/** Waits with a time that stays the same from look to look. */
const ENDS_AT: ReadonlySet<Waiting["kind"]> = new Set(["approval", "timer", "opening"]);

function toProgress({ task }: Waiting, progress: string | undefined): string {
  return progress === undefined ? `${task} runs.` : `${task}: ${progress}`;
}

function isAtRest(phase: PreviewPhase): boolean {
  return phase === "ready" || phase === "asleep" || phase === "quiet";
}

function toReason({ stack, summary, waitsFor, tasks }: DescribedStack, phase: PreviewPhase) {
  if (isAtRest(phase)) return waitsFor?.kind === "parked" ? { reason: summary } : {};
  if (waitsFor === undefined || stack.overdue === true) return { reason: summary };
  if ((waitsFor.task ?? waitsFor.tasks ?? waitsFor.event) === undefined) return { reason: summary };
  const toText = REASONS[waitsFor.kind];
  if (toText === undefined) return { reason: summary };
  const progress = tasks.find(({ name }) => name === waitsFor.task)?.attempt?.progressMessage;
  const until = ENDS_AT.has(waitsFor.kind) ? waitsFor.at : undefined;
  return { reason: toText(waitsFor, progress), ...defined({ until }) };
}

function findValue(sources: readonly Values[], key: string, type: "string" | "number"): unknown {
  return sources
    .map((source) => (Object.hasOwn(source, key) ? source[key] : undefined))
    .find((value) => typeof value === type);
}

function findText(sources: readonly Values[], key: string): string | undefined {
  const found = findValue(sources, key, "string");
  return typeof found === "string" && found !== "" ? found : undefined;
}

/** Outputs of a task that plans have counts. */
function findPlan(outputs: readonly Values[]): string | undefined {
  const plan = outputs.find(({ adds, summary }) => typeof adds === "number" && typeof summary === "string");
  return plan && findText([plan], "summary");
}

function findDrift(metadata: Values, outputs: readonly Values[]): string | undefined {
  const found = outputs.find(({ drifted }) => typeof drifted === "boolean");
  const isDrifted = metadata["drifted"] ?? found?.["drifted"];
  if (isDrifted !== true) return undefined;
  return (found && findText([found], "summary")) ?? "Resources differ from their state.";
}

function listLinks(sources: readonly Values[]): readonly PreviewLink[] {
  const found = new Map<string, string>();
  for (const [key, value] of sources.flatMap((source) => Object.entries(source))) {
    const name = URL_KEY.exec(key)?.[1];
    const url = findLink(value);
    if (name !== undefined && url !== undefined && !found.has(name) && found.size < MOST_LINKS) found.set(name, url);
  }
  return [...found].map(([name, url]) => ({ name: toLine(name, MAX_NAME), url }));
}

function toInstant(value: unknown): number | undefined {
  const at = typeof value === "string" ? Date.parse(value) : Number(value ?? Number.NaN);
  return Number.isNaN(at) || Math.abs(at) > 8.64e15 ? undefined : at;
}

function toFailure(
  { stack, tasks, ledBy }: DescribedStack,
  phase: PreviewPhase,
  log: string | undefined,
): PreviewFailure | undefined {
  if (phase !== "failed") return undefined;
  const failed = tasks.find(({ status }) => status === "ERROR");
  if (failed !== undefined) {
    const { name, errorCode, errorMessage } = failed;
    return { task: name, ...defined({ code: errorCode, message: errorMessage, log }) };
  }
  if (findStall(stack) !== undefined || ledBy === undefined) return undefined;
  const { task, code, message } = ledBy;
  return { task, ...defined({ code, message, log }) };
}
