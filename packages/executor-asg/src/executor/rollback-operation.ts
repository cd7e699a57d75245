import { failed, running, succeeded } from "@stackyard/core";
import type { AsgProgress, AsgStep, Place } from "../definition.ts";
import { cancelRollback, pollRollback } from "../rollback/poll-rollback.ts";
import type { RollbackProgress } from "../rollback/rollback-progress.ts";
import { rollbackRelease } from "../rollback/rollback-release.ts";
import type { RollbackInput, RollbackStep } from "../rollback/rollback-step.ts";
import type { AsgCall } from "./asg-call.ts";
import { startRelease } from "./deploy-operation.ts";
import { toProjectConfig } from "./to-project-config.ts";
import { putReport } from "./write-report.ts";

/** A rollback between two polls. JSON. */
interface KeptRollback {
  readonly op: "rollback";
  readonly inner: RollbackProgress;
  readonly lines: AsgCall["lines"];
}

const MAX_LINES = 50;

/** Takes a project-config one release back. */
export async function startRollback(call: AsgCall, place: Place): Promise<AsgStep> {
  return tell(call, place, { step: await rollbackRelease(call.deps, toInput(call, place)), lines: [] });
}

/** Goes on with one that has groups to bring back. */
export async function pollKeptRollback(call: AsgCall, place: Place, progress: AsgProgress): Promise<AsgStep> {
  const { inner, lines } = parse(progress);
  return tell(call, place, { step: await pollRollback(call.deps, toInput(call, place), inner), lines });
}

/** Leaves it, if traffic has not moved yet. */
export async function cancelKeptRollback(call: AsgCall, place: Place, progress: AsgProgress): Promise<AsgStep> {
  const { inner, lines } = parse(progress);
  const reason = "The run was cancelled.";
  return tell(call, place, { step: await cancelRollback(call.deps, toInput(call, place), inner, reason), lines });
}

function toInput({ ctx, config }: AsgCall, place: Place): RollbackInput {
  const uuid = `rollback-${ctx.idempotencyKey}`;
  return {
    at: toProjectConfig(place),
    uuid,
    ...(config.releaseId === undefined ? {} : { releaseId: config.releaseId }),
  };
}

interface Told {
  readonly step: RollbackStep;
  readonly lines: AsgCall["lines"];
}

async function tell(call: AsgCall, place: Place, { step, lines: earlier }: Told): Promise<AsgStep> {
  const lines = [...earlier, ...call.lines].slice(-MAX_LINES);
  if (step.kind === "redeploy") return redeploy(call, step);
  await report(call, place, { step, lines });
  if (step.kind === "running") {
    const progress: KeptRollback = { op: "rollback", inner: step.progress, lines };
    return running({ progress: { ...progress }, pollAfterMs: step.waitSeconds * 1_000, message: step.message });
  }
  if (step.kind === "succeeded") {
    const { releaseId, groups } = step;
    return succeeded({ releaseId, end: "Success", dirty: false, success: true, groups: groups.join(",") });
  }
  const { code, message, dirty } = step;
  const outputs = { end: toEnd(step), dirty, success: false, failure: code };
  return failed({ code: dirty ? "LEFT_BEHIND" : code, message, retryable: false, outputs });
}

/** No group was kept: the document of the release before is released anew, and its run is this one. */
async function redeploy(call: AsgCall, step: Extract<RollbackStep, { kind: "redeploy" }>): Promise<AsgStep> {
  const { document, userData, previousReleaseId } = step;
  call.deps.report(`No group of release ${previousReleaseId} was kept. Its document is released anew.`);
  const given = userData === undefined ? {} : { userData };
  // What the deployer itself writes needs no second channel: it has read it there before.
  const memory = { ...call.deps.memory, isSecondChannel: false };
  return startRelease({ ...call, deps: { ...call.deps, memory } }, { operation: "rollback", document, ...given });
}

function report(call: AsgCall, place: Place, { step, lines }: Told): Promise<void> {
  const inner = step.kind === "running" ? step.progress : undefined;
  const now = call.ctx.clock.now();
  const isOver = step.kind !== "running";
  return putReport(call, {
    operation: "rollback",
    releaseId: inner?.previousReleaseId ?? (step.kind === "succeeded" ? step.releaseId : (call.config.releaseId ?? "")),
    account: place.account,
    region: place.region,
    project: place.project,
    config: place.config,
    state: inner?.phase ?? (step.kind === "succeeded" ? "Success" : "Rollback"),
    since: inner?.beganAt ?? now,
    timeoutSeconds: 600,
    path: [],
    services: {},
    lines,
    laterErrors: [],
    ...(step.kind === "failed" ? { error: { class: step.code, message: step.message } } : {}),
    ...(isOver ? { end: step.kind === "succeeded" ? "Success" : toEnd(step) } : {}),
  });
}

function toEnd(step: RollbackStep): "FailureClean" | "FailureDirty" {
  return step.kind === "failed" && step.dirty ? "FailureDirty" : "FailureClean";
}

/** What this file has kept comes back as it was. */
function parse(progress: AsgProgress): KeptRollback {
  return progress as unknown as KeptRollback;
}
