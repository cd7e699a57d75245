import { defined } from "@stackyard/core";
import type { PreviewFacts, PreviewPhase } from "./describe-preview.ts";
import { renderPreview, renderTrust } from "./render-comment.ts";
import type { CheckAction, DeploymentState, HostCheck, HostDeployment } from "./report-host.ts";
import { toLine } from "./safe-text.ts";

const MAX_NAME = 100;

interface PhaseStatus {
  /** Missing: it is not completed. */
  readonly conclusion?: NonNullable<HostCheck["conclusion"]>;
  readonly title: string;
  readonly deployment: DeploymentState;
}

const STATUSES: Readonly<Record<PreviewPhase, PhaseStatus>> = {
  working: { title: "The preview is being changed", deployment: "in_progress" },
  waiting: { title: "The preview waits for approval", deployment: "pending" },
  ready: { conclusion: "success", title: "The preview is ready", deployment: "success" },
  asleep: { conclusion: "success", title: "The preview is asleep", deployment: "success" },
  quiet: { conclusion: "success", title: "Nothing is left to do", deployment: "success" },
  failed: { conclusion: "failure", title: "The preview has failed", deployment: "failure" },
  ended: { conclusion: "neutral", title: "The preview has ended", deployment: "inactive" },
};

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

/** Returns the check of a stack for a commit. Texts of others are in code nodes of its summary only. */
export function renderCheck(preview: PreviewFacts, head: string): HostCheck {
  const { conclusion, title } = STATUSES[preview.phase];
  return {
    name: `Preview ${toLine(preview.stackId, MAX_NAME)}`,
    head,
    title,
    summary: renderPreview(preview),
    actions: toActions(preview.phase),
    ...defined({ url: preview.console ?? preview.url }),
    ...(conclusion && { conclusion }),
  };
}

/** Returns the actions of a check; GitHub shows three. */
function toActions(phase: PreviewPhase): readonly CheckAction[] {
  if (phase === "ended") return [CREATE];
  return [phase === "asleep" ? WAKE : RETRY, EXTEND, DESTROY];
}

/** Returns the check of a head that is not trusted: neither a success nor a failure. */
export function renderUntrustedCheck(head: string): HostCheck {
  const title = "The preview waits for trust";
  return { name: "Preview", head, title, summary: renderTrust(head), actions: [], conclusion: "neutral" };
}

/** Returns the check of a commit that has been replaced. */
export function renderReplacedCheck(check: HostCheck): HostCheck {
  const summary = "The pull request has another head now.";
  return { ...check, title: "Replaced", summary, actions: [], conclusion: "cancelled" };
}

/** Returns the state of a stack's deployment. */
export function toDeployment({ phase, url }: PreviewFacts): HostDeployment {
  const { deployment, title } = STATUSES[phase];
  return { state: deployment, description: title, ...(url !== undefined && phase !== "ended" && { url }) };
}
