import { failed, running, succeeded } from "@stackyard/core";
import type { AsgStep } from "../definition.ts";
import type { ReleaseEnd } from "../machine/release-row.ts";
import type { ReleaseDeps } from "../release-deps.ts";
import { ReleaseError } from "../release-error.ts";
import { joinSentences } from "../report/join-sentences.ts";
import type { AsgCall } from "./asg-call.ts";
import { type BeginInput, beginRelease } from "./begin-release.ts";
import { type ReleaseProgress, toAsgProgress, withLines } from "./release-progress.ts";
import { stepRelease } from "./step-release.ts";
import { toFollowUp } from "./to-follow-up.ts";
import { writeReport } from "./write-report.ts";

/** The lock's lease is renewed, and orders to halt are looked for, at least so often. */
const LOOK_MS = 30_000;

/** Begins a release: its document is judged, and its states are next. */
export async function startRelease(call: AsgCall, input: BeginInput): Promise<AsgStep> {
  try {
    return goOn(call, await beginRelease(call, input), "Lock.");
  } catch (error) {
    if (!(error instanceof ReleaseError)) throw error;
    const outputs = { end: "FailureClean", dirty: false, success: false, state: "Validate", error: error.errorClass };
    return failed({ code: error.releaseCode, message: error.message, retryable: false, outputs });
  }
}

/** Does what is due of a release. */
export async function pollRelease(call: AsgCall, progress: ReleaseProgress): Promise<AsgStep> {
  const step = await stepRelease(withHalt(call.deps, progress), progress);
  const told = withLines(step.progress, call.lines);
  if (step.kind === "going") return goOn(call, told, step.message);
  await writeReport(call, told, step.end);
  return toEnd(call, told, step.end);
}

/** A cancel is a halt, addressed to this very release: it is obeyed where the states look for one. */
export function cancelRelease(call: AsgCall, progress: ReleaseProgress): Promise<AsgStep> {
  const at = call.ctx.clock.now();
  const halt = progress.halt ?? { kind: "release", message: "Halted: the run was cancelled.", at };
  return pollRelease(call, { ...progress, halt });
}

async function goOn(call: AsgCall, progress: ReleaseProgress, message: string): Promise<AsgStep> {
  await writeReport(call, progress);
  const restMs = Math.max(0, progress.dueAt - call.ctx.clock.now());
  return running({
    progress: toAsgProgress(progress),
    pollAfterMs: Math.min(restMs, LOOK_MS),
    message: toMessage(progress, message),
  });
}

/** `CheckHealthy: web 3/4, worker 1/1.` */
function toMessage({ state }: ReleaseProgress, message: string): string {
  const services = Object.entries(state.services).flatMap(([name, { healthy_report: report }]) =>
    report === undefined ? [] : [`${name} ${report.healthy}/${report.target_healthy}`],
  );
  return services.length === 0 ? message : `${message} ${services.join(", ")}`;
}

function withHalt(deps: ReleaseDeps, { halt }: ReleaseProgress): ReleaseDeps {
  if (halt === undefined) return deps;
  const { memory } = deps;
  return { ...deps, memory: { ...memory, listHalts: async (key) => [halt, ...(await memory.listHalts(key))] } };
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
    ...(state.previous_release_id === undefined ? {} : { previousReleaseId: state.previous_release_id }),
  };
  if (end === "Success") return succeeded(outputs, toFollowUp(call, progress));
  const { code = "RELEASE_PANIC", state: at = "Validate" } = failure ?? {};
  const cause = state.error?.Cause ?? "The release has failed.";
  const later = state.later_errors?.map((error) => `Then ${error.Error}: ${error.Cause}`) ?? [];
  const left = "Something may be left behind, and the lock is kept. Look with: stackyard release repair.";
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
