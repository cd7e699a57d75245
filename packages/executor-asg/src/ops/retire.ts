import { failed, running, succeeded } from "@stackyard/core";
import type { AsgCall } from "../call.ts";
import type { AsgStep } from "../definition.ts";
import { isBusy } from "../deploy/busy-group.ts";
import { runState } from "../deploy/run-state.ts";
import { parseRelease } from "../document/parse-release.ts";
import type { Release } from "../document/release.ts";
import { ReleaseError } from "../release-errors.ts";
import { defineOperation } from "./operation.ts";
import { placeOf, toProjectConfig } from "./place.ts";

const AGAIN_MS = 60_000;
const PATIENCE_MS = 60 * 60_000;

/** Progress while another release has the locks. JSON. */
interface RetireProgress {
  readonly op: "retire";
  /** When it began to wait. Epoch ms. */
  readonly since: number;
}

/** Deletes the groups that a release kept for its rollback window. A running release does this itself. */
export const retire = defineOperation<RetireProgress>({
  progress: (stored): stored is RetireProgress => stored.op === "retire" && "since" in stored,
  start: (call) => retireGroups(call, call.ctx.clock.now()),
  poll: (call, { since }) => retireGroups(call, since),
});

async function retireGroups(call: AsgCall, since: number): Promise<AsgStep> {
  const { deps, config, ctx } = call;
  const now = ctx.clock.now();
  const uuid = config.uuid ?? `retire-${ctx.idempotencyKey}`;
  const started = { uuid, started_at: new Date(now).toISOString() };
  const state = { ...started, healthy: true, wait_for_detach: 0, services: {} };
  const outputs = { releaseId: config.releaseId ?? "", end: "Success", dirty: false };
  try {
    await runState(deps, "RetireKept", { release: await loadRelease(call), state });
    return succeeded(outputs);
  } catch (error) {
    if (!(error instanceof ReleaseError) || error.releaseCode === "BAD_RELEASE") throw error;
    const wait = now - since < PATIENCE_MS ? findWait(error) : undefined;
    if (wait !== undefined) return toWaiting(since, wait);
    // A release that holds the locks this long deletes the groups itself, or a person handles it.
    if (error.releaseCode === "LOCK_EXISTS") return succeeded(outputs);
    const left = { ...outputs, end: "FailureDirty", dirty: true };
    return failed({ code: "LEFT_BEHIND", message: error.message, retryable: true, outputs: left });
  }
}

/** Returns what is waited for; undefined for errors that do not pass. */
function findWait(error: ReleaseError): string | undefined {
  if (error.releaseCode === "LOCK_EXISTS") return "Waiting for another release.";
  return isBusy(error) ? "Auto Scaling is busy with a group." : undefined;
}

function toWaiting(since: number, message: string): AsgStep {
  const waiting: RetireProgress = { op: "retire", since };
  return running({ progress: { ...waiting }, pollAfterMs: AGAIN_MS, message });
}

/** Loads the document as stored at the start of the release. */
async function loadRelease(call: AsgCall): Promise<Release> {
  const { deps, config, constants } = call;
  const place = placeOf(call);
  const release_id = config.releaseId ?? "";
  const document = await deps.memory.loadDocument({ ...toProjectConfig(place), release_id });
  if (document === undefined)
    throw new ReleaseError("BAD_RELEASE", `The document of release "${release_id}" does not exist.`);
  const parsed = parseRelease(document, { constants, account: place.account, region: place.region });
  if (parsed.kind === "parsed") return parsed.release;
  throw new ReleaseError("BAD_RELEASE", parsed.problems.map(({ message }) => message).join("\n"));
}
