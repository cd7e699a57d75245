import { failed, running, succeeded } from "@stackyard/core";
import type { AsgProgress, AsgStep, Place } from "../definition.ts";
import { parseRelease } from "../document/parse-release.ts";
import type { Release } from "../document/release.ts";
import { ReleaseError } from "../release-error.ts";
import { runState } from "../run-state.ts";
import type { AsgCall } from "./asg-call.ts";
import { toProjectConfig } from "./to-project-config.ts";

const AGAIN_MS = 60_000;
const PATIENCE_MS = 60 * 60_000;

interface RetireProgress {
  readonly op: "retire";
  readonly since: number;
}

/** Deletes the groups that a release has kept for its rollback window. A release that is under way does so itself. */
export async function retireGroups(call: AsgCall, place: Place, progress?: AsgProgress): Promise<AsgStep> {
  const { deps, config, ctx } = call;
  const now = ctx.clock.now();
  const uuid = config.uuid ?? `retire-${ctx.idempotencyKey}`;
  const started = { uuid, started_at: new Date(now).toISOString() };
  const state = { ...started, healthy: true, wait_for_detach: 0, services: {} };
  const outputs = { releaseId: config.releaseId ?? "", end: "Success", dirty: false };
  try {
    await runState(deps, "RetireKept", { release: await loadRelease(call, place), state });
    return succeeded(outputs);
  } catch (error) {
    if (!(error instanceof ReleaseError) || error.releaseCode === "BAD_RELEASE") throw error;
    if (error.releaseCode !== "LOCK_EXISTS") {
      const left = { ...outputs, end: "FailureDirty", dirty: true };
      return failed({ code: "LEFT_BEHIND", message: error.message, retryable: true, outputs: left });
    }
    const since = progress === undefined ? now : parse(progress).since;
    // Whoever has the locks for so long deletes them, or is looked after by a person.
    if (now - since >= PATIENCE_MS) return succeeded(outputs);
    const waiting: RetireProgress = { op: "retire", since };
    return running({ progress: { ...waiting }, pollAfterMs: AGAIN_MS, message: "Waits for another release." });
  }
}

/** As it was stored when the release began. */
async function loadRelease({ deps, config, constants }: AsgCall, place: Place): Promise<Release> {
  const release_id = config.releaseId ?? "";
  const document = await deps.memory.loadDocument({ ...toProjectConfig(place), release_id });
  if (document === undefined) throw new ReleaseError("BAD_RELEASE", `There is no document of release "${release_id}".`);
  const parsed = parseRelease(document, { constants, account: place.account, region: place.region });
  if (parsed.kind === "parsed") return parsed.release;
  throw new ReleaseError("BAD_RELEASE", parsed.problems.map(({ message }) => message).join("\n"));
}

/** What this file has kept comes back as it was. */
function parse(progress: AsgProgress): RetireProgress {
  return progress as unknown as RetireProgress;
}
