import { defined } from "@stackyard/core";
import type { CommitVerdict } from "./commit-notes.ts";
import type { PreviewFacts } from "./describe-preview.ts";
import type { PreviewPhase } from "./preview-phase.ts";
import { renderPreview, renderTrust } from "./render-comment.ts";
import type { CheckAction, DeploymentState, HostCheck, HostDeployment } from "./report-host.ts";
import { toLine } from "./safe-text.ts";

const MAX_NAME = 100;

/** The title of the check of a commit that has run, by the phase of its stack. */
const DONE: Readonly<Record<PreviewPhase, string>> = {
  ready: "The preview is ready",
  asleep: "The preview is asleep",
  quiet: "Nothing is left to do",
  working: "The preview was ready, and is being changed",
  waiting: "The preview was ready, and waits for approval",
  failed: "The preview was ready, and has failed since",
  ended: "The preview has ended",
  absent: "The preview has ended",
};

/** The title of the check of a commit whose run is under way. */
const PENDING: Readonly<Record<PreviewPhase, string>> = {
  ...DONE,
  ready: "The commit waits",
  asleep: "The preview is asleep, and the commit waits",
  quiet: "The commit waits",
  working: "The preview is being changed",
  waiting: "The preview waits for approval",
  absent: "The preview does not exist yet",
};

type Conclusion = NonNullable<HostCheck["conclusion"]>;

/** Missing: it is not completed. */
const CONCLUSIONS: Readonly<Partial<Record<CommitVerdict["kind"], Conclusion>>> = {
  done: "success",
  failed: "failure",
  // Hosts count a neutral check as passed.
  replaced: "cancelled",
  ended: "cancelled",
};

function toTitle({ kind, why }: CommitVerdict, phase: PreviewPhase): string {
  if (kind === "done") return DONE[phase];
  if (kind === "replaced") return "Replaced";
  if (kind === "ended") return "The preview has ended before the commit was ready";
  if (kind === "pending") return why === undefined ? PENDING[phase] : "The commit waits";
  return phase === "failed" ? "The preview has failed" : "The commit does not run";
}

// The identifier is the command after `/preview` in a comment.
const RETRY: CheckAction = { label: "Retry", description: "Run again what has failed", identifier: "retry" };
const WAKE: CheckAction = { label: "Wake up", description: "Create again what was removed", identifier: "wake" };
const EXTEND: CheckAction = {
  label: "Extend",
  description: "Keep the preview for one more day",
  identifier: "extend 1d",
};
const DESTROY: CheckAction = { label: "Destroy", description: "Remove the preview", identifier: "down" };
const CREATE: CheckAction = { label: "Create", description: "Create the preview again", identifier: "up" };

/** A commit, and what became of it. */
interface JudgedCommit {
  readonly head: string;
  readonly verdict: CommitVerdict;
}

/** Returns the check of a stack for a commit. Texts of others are in code nodes of its summary only. */
export function renderCheck(preview: PreviewFacts, { head, verdict, yardName }: JudgedCommit & NamedYard): HostCheck {
  const isReplaced = verdict.kind === "replaced";
  return {
    name: toName(`Preview ${toLine(preview.stackId, MAX_NAME)}`, yardName),
    head,
    title: toTitle(verdict, preview.phase),
    summary: isReplaced ? "The pull request has another head now." : renderPreview(preview),
    actions: isReplaced ? [] : toActions(preview.phase),
    ...defined({ url: preview.console ?? preview.url, conclusion: CONCLUSIONS[verdict.kind] }),
  };
}

/** Returns the actions of a check; GitHub shows three. */
function toActions(phase: PreviewPhase): readonly CheckAction[] {
  if (phase === "ended" || phase === "absent") return [CREATE];
  return [phase === "asleep" ? WAKE : RETRY, EXTEND, DESTROY];
}

/** The yard whose verdict a check is. */
export interface NamedYard {
  /** Missing: the yard has no name, and is the only one at the repository. */
  readonly yardName: string | undefined;
}

/** Returns the name of a check. One yard would write over the check of another that has the same name. */
function toName(name: string, yardName: string | undefined): string {
  return yardName === undefined ? name : `${name} (${toLine(yardName, MAX_NAME)})`;
}

/** What the previews of a pull request say of a commit. */
export type SummaryVerdict = CommitVerdict["kind"];

const SUMMARIES: Readonly<Record<SummaryVerdict | "none", Pick<HostCheck, "title" | "conclusion">>> = {
  done: { title: "All previews are ready", conclusion: "success" },
  none: { title: "No preview belongs to this pull request", conclusion: "success" },
  failed: { title: "A preview has failed", conclusion: "failure" },
  pending: { title: "Waits for the previews" },
  replaced: { title: "Replaced", conclusion: "cancelled" },
  ended: { title: "A preview has ended before the commit was ready", conclusion: "cancelled" },
};

/** Returns the one check of a pull request, which branch protection can require: its name is always the same. */
export function renderSummaryCheck(
  head: string,
  { verdict, yardName }: NamedYard & { readonly verdict: SummaryVerdict | "none" },
): HostCheck {
  const { title, ...rest } = SUMMARIES[verdict];
  return { name: toName("Stackyard", yardName), head, title, summary: `${title}.`, actions: [], ...rest };
}

/** Returns the check of a head of a fork: while it is not trusted, it is neither a success nor a failure. */
export function renderTrustCheck(
  head: string,
  { state, yardName }: NamedYard & { readonly state: keyof typeof TRUST },
): HostCheck {
  const name = toName("Preview", yardName);
  const summary = state === "waits" ? renderTrust(head) : TRUST[state].title;
  return { name, head, summary, actions: [], ...TRUST[state] };
}

const TRUST = {
  waits: { title: "The preview waits for trust", conclusion: "neutral" },
  trusted: { title: "The head is trusted", conclusion: "success" },
  replaced: { title: "Nothing waits for trust any more", conclusion: "cancelled" },
} as const;

/**
 * Returns the state of a commit's deployment. A commit that runs is deployed until another one is, its stack fails, or its
 * stack ends.
 */
export function toDeployment(
  { phase, url }: PreviewFacts,
  { verdict, isRunning, isLast }: Pick<JudgedCommit, "verdict"> & Record<"isRunning" | "isLast", boolean>,
): HostDeployment {
  // The title of a commit that runs does not change with the run of a later one.
  const isChanging = phase === "working" || phase === "waiting";
  const description = verdict.kind === "done" && isChanging ? DONE.ready : toTitle(verdict, phase);
  if (phase === "ended" || phase === "absent" || verdict.kind === "ended") return { state: "inactive", description };
  const isOver = verdict.kind === "done" || (verdict.kind === "failed" && !isLast);
  if (verdict.kind === "replaced" || (isOver && !isRunning)) return REPLACED;
  return { state: toDeploymentState(verdict, phase), description, ...defined({ url }) };
}

const REPLACED: HostDeployment = { state: "replaced", description: "Replaced" };

function toDeploymentState({ kind, why }: CommitVerdict, phase: PreviewPhase): DeploymentState {
  if (kind === "failed" || (kind === "done" && phase === "failed")) return "failure";
  if (kind === "done") return "success";
  return phase === "working" && why === undefined ? "in_progress" : "pending";
}
