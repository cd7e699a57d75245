import { defined, failed, running, succeeded } from "@stackyard/core";
import type { AsgCall } from "../call.ts";
import type { AsgStep, Place } from "../definition.ts";
import { cancelRollback, pollRollback, rollbackRelease } from "../deploy/rollback.ts";
import type { RollbackInput, RollbackProgress, RollbackStep } from "../deploy/rollback-step.ts";
import { rememberPlace } from "../plan/release-place-record.ts";
import { storeReport } from "../plan/report.ts";
import { startRelease } from "./deploy.ts";
import { defineOperation } from "./operation.ts";
import { placeOf, toProjectConfig } from "./place.ts";

/** Progress of a rollback between two polls. JSON. */
interface KeptRollback {
  readonly op: "rollback";
  readonly inner: RollbackProgress;
  readonly lines: AsgCall["lines"];
}

const MAX_LINES = 50;

/** Rolls back a project and config by one release. A cancel counts until traffic has moved. */
export const rollback = defineOperation<KeptRollback>({
  progress: (stored): stored is KeptRollback => stored.op === "rollback" && "inner" in stored && "lines" in stored,
  async start(call) {
    const place = placeOf(call);
    return tell(call, place, { step: await rollbackRelease(call.deps, toInput(call, place)), lines: [] });
  },
  async poll(call, { inner, lines }) {
    const place = placeOf(call);
    return tell(call, place, { step: await pollRollback(call.deps, toInput(call, place), inner), lines });
  },
  async cancel(call, { inner, lines }) {
    const place = placeOf(call);
    const reason = "The rollback was cancelled.";
    return tell(call, place, { step: await cancelRollback(call.deps, toInput(call, place), inner, reason), lines });
  },
});

function toInput({ ctx, config }: AsgCall, place: Place): RollbackInput {
  const uuid = `rollback-${ctx.idempotencyKey}`;
  return { at: toProjectConfig(place), uuid, ...defined({ releaseId: config.releaseId }) };
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
    await rememberPlace(call.ctx, place, { running: { releaseId, ...defined({ user: call.config.actor }) } });
    return succeeded({ releaseId, end: "Success", dirty: false, success: true, groups: groups.join(",") });
  }
  const { code, message, dirty } = step;
  const outputs = { end: toRollbackEnd(step), dirty, success: false, failure: code };
  return failed({ code: dirty ? "LEFT_BEHIND" : code, message, retryable: false, outputs });
}

/** Deploys the previous document again, in this run: no group was kept. */
async function redeploy(call: AsgCall, step: Extract<RollbackStep, { kind: "redeploy" }>): Promise<AsgStep> {
  const { document, userData, previousReleaseId } = step;
  call.deps.report(`No group of release ${previousReleaseId} was kept. Deploying its document again.`);
  // The deployer's own document needs no second channel: it was read from there.
  const memory = { ...call.deps.memory, isSecondChannel: false };
  return startRelease(
    { ...call, deps: { ...call.deps, memory } },
    { operation: "rollback", document, ...defined({ userData }) },
  );
}

function report(call: AsgCall, place: Place, { step, lines }: Told): Promise<void> {
  const inner = step.kind === "running" ? step.progress : undefined;
  const now = call.ctx.clock.now();
  const isOver = step.kind !== "running";
  return storeReport(call.ctx, {
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
    ...(isOver ? { end: step.kind === "succeeded" ? "Success" : toRollbackEnd(step) } : {}),
  });
}

function toRollbackEnd(step: RollbackStep): "FailureClean" | "FailureDirty" {
  return step.kind === "failed" && step.dirty ? "FailureDirty" : "FailureClean";
}
