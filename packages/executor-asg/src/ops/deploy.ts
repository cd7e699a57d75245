import { defined, failed, running, type Succeeded, succeeded } from "@stackyard/core";
import { type BeginInput, beginRelease, toBeginInput } from "../begin-release.ts";
import type { AsgCall } from "../call.ts";
import type { AsgConfig, AsgStep } from "../definition.ts";
import { rememberPlace } from "../plan/release-place-record.ts";
import { storeReport, toReleaseReport } from "../plan/report.ts";
import { joinSentences, ReleaseError } from "../release-errors.ts";
import type { ReleaseEnd } from "../release-machine.ts";
import { isReleaseProgress, LOOK_MS, type ReleaseProgress, stepRelease, withLines } from "../step-release.ts";
import { defineOperation } from "./operation.ts";

/** Deploys the release that the config describes. A cancel is a halt in its progress, which states see like a request. */
export const deploy = defineOperation<ReleaseProgress>({
  progress: isReleaseProgress,
  start: (call) => startRelease(call, toBeginInput(call)),
  poll: pollRelease,
  cancel(call, progress) {
    const at = call.ctx.clock.now();
    const halt = progress.halt ?? { kind: "release", message: "Halted: the release was cancelled.", at };
    return pollRelease(call, { ...progress, halt });
  },
});

/** Starts a release, or a rollback that deploys an earlier document: validates it. */
export async function startRelease(call: AsgCall, input: BeginInput): Promise<AsgStep> {
  try {
    return goOn(call, await beginRelease(call, input), "Lock.");
  } catch (error) {
    if (!(error instanceof ReleaseError)) throw error;
    const outputs = { end: "FailureClean", dirty: false, success: false, state: "Validate", error: error.errorClass };
    return failed({ code: error.releaseCode, message: error.message, retryable: false, outputs });
  }
}

/** Runs the due step of a release. */
async function pollRelease(call: AsgCall, progress: ReleaseProgress): Promise<AsgStep> {
  const step = await stepRelease(call.deps, progress);
  const told = withLines(step.progress, call.lines);
  if (step.kind === "going") return goOn(call, told, step.message);
  await storeReport(call.ctx, toReleaseReport(told, step.end));
  if (step.end === "Success") await rememberRelease(call, told);
  return toEnd(call, told, step.end);
}

/** Notes in the yard which release runs there now; the job itself expires after a day. */
function rememberRelease({ ctx, config }: AsgCall, { release }: ReleaseProgress): Promise<void> {
  const { aws_account_id: account, aws_region: region, project_name: project, config_name } = release;
  const { revision, actor } = config;
  const running = { releaseId: release.release_id, ...defined({ revision, actor }) };
  return rememberPlace(ctx, { account, region, project, config: config_name }, { running });
}

async function goOn(call: AsgCall, progress: ReleaseProgress, message: string): Promise<AsgStep> {
  await storeReport(call.ctx, toReleaseReport(progress));
  const restMs = Math.max(0, progress.dueAt - call.ctx.clock.now());
  return running({
    progress: { ...progress },
    pollAfterMs: Math.min(restMs, LOOK_MS),
    message: toMessage(progress, message),
  });
}

/** Formats `CheckHealthy: web 3/4, worker 1/1.` */
function toMessage({ state }: ReleaseProgress, message: string): string {
  const services = Object.entries(state.services).flatMap(([name, { healthy_report: report }]) =>
    report === undefined ? [] : [`${name} ${report.healthy}/${report.target_healthy}`],
  );
  return services.length === 0 ? message : `${message} ${services.join(", ")}`;
}

function toEnd(call: AsgCall, progress: ReleaseProgress, end: ReleaseEnd): AsgStep {
  const { release, state, failure } = progress;
  const groups = Object.values(state.services).flatMap(({ created_asg }) => created_asg ?? []);
  const outputs = {
    releaseId: release.release_id,
    end,
    dirty: end === "FailureDirty",
    success: end === "Success",
    ...(end === "Success" ? { groups: groups.join(","), image: toImages(progress) } : {}),
    ...defined({ previousReleaseId: state.previous_release_id }),
  };
  if (end === "Success") return succeeded(outputs, toFollowUp(call, progress));
  const { code = "RELEASE_PANIC", state: at = "Validate" } = failure ?? {};
  const cause = state.error?.Cause ?? "The release failed.";
  const busy = state.left_groups?.map((name) => `Auto Scaling is busy with ${name}; the next release deletes it`) ?? [];
  const later = [...(state.later_errors?.map((error) => `Then ${error.Error}: ${error.Cause}`) ?? []), ...busy];
  const left = "Resources may be left behind, and the lock is kept. Run: stackyard asg repair.";
  return failed({
    code: end === "FailureDirty" ? "LEFT_BEHIND" : code,
    message: joinSentences([cause, ...later, ...(end === "FailureDirty" ? [left] : [])]),
    retryable: false,
    outputs: { ...outputs, state: at, error: state.error?.Error ?? "PanicError", failure: code },
  });
}

function toImages({ state }: ReleaseProgress): string {
  const images = Object.values(state.services).flatMap(({ resources }) => resources?.image ?? []);
  return [...new Set(images)].join(",");
}

/** After the end of a release that had to leave groups. */
const LEFT_MS = 10 * 60_000;

/** Returns a follow-up job that deletes the kept groups after the rollback window, and those that were busy soon. */
function toFollowUp({ config }: AsgCall, { release, state }: ReleaseProgress): Pick<Succeeded, "followUp"> {
  if (release.rollback_window === 0 && state.left_groups === undefined) return {};
  const { preset, constants, memory, actor, revision } = config;
  const given = { preset, constants, memory, actor, revision };
  const next: AsgConfig = {
    op: "retire",
    at: {
      account: release.aws_account_id,
      region: release.aws_region,
      project: release.project_name,
      config: release.config_name,
    },
    // The complete document is in the memory.
    releaseId: release.release_id,
    uuid: state.uuid,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  };
  return { followUp: { inMs: release.rollback_window * 1_000 || LEFT_MS, config: next } };
}
