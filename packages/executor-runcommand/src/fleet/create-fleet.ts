import type { LambdaContext } from "@stackyard/aws";
import { INSTANCE_GONE } from "../count-instances.ts";
import { selectInstances } from "../select-instances.ts";
import { type Fleet, type FleetDeps, readField, readText, toFleet } from "./fleet-deps.ts";
import { type EventDone, type EventRecord, findEventRecord, keepEventRecord, toBootIntent } from "./fleet-records.ts";
import { handleJob, type JobOutcome } from "./handle-job.ts";
import { handleTick, settleRun, type TickReport } from "./handle-tick.ts";
import { completeLifecycleAction } from "./lifecycle-action.ts";
import { loadInstance } from "./load-instance.ts";
import {
  type LifecycleHook,
  parseHookEvent,
  parseInstanceEvent,
  type StartedInstance,
} from "./parse-instance-event.ts";
import { findBootArtifact } from "./pin-artifact.ts";
import { startRun } from "./start-run.ts";
import { noteStart } from "./unseen-starts.ts";

/** The answer to an event. */
export type FleetAnswer = JobOutcome | InstanceAnswer | TickReport;

/** A fleet app. */
export interface FleetApp {
  /**
   * Takes jobs of CodePipeline, "EC2 Instance State-change Notification", "EC2 Instance-launch Lifecycle Action", and the
   * event of a schedule, each minute. Every event may come again. Rejects when the event must come again.
   */
  readonly handler: (event: unknown, context?: LambdaContext) => Promise<FleetAnswer>;
}

/** Reserved time to report a job's result; a quarter of the total if that is less. */
const SPARE_MS = 8_000;

/** Creates an app that configures fleets from a pipeline and instances that start. */
export function createFleet(deps: FleetDeps): FleetApp {
  const fleet = toFleet(deps);
  return {
    async handler(event, context) {
      const time = new AbortController();
      const ended = new AbortController();
      const leftMs = context?.getRemainingTimeInMillis?.();
      if (leftMs !== undefined) {
        const spentMs = leftMs - Math.min(SPARE_MS, leftMs / 4);
        void fleet.clock.sleep(spentMs, ended.signal).then(() => ended.signal.aborted || time.abort());
      }
      try {
        return await route(fleet, event, time.signal);
      } finally {
        ended.abort();
      }
    },
  };
}

/** Routes an event. Unknown ones are handled as jobs, and fail because of the missing id. */
function route(fleet: Fleet, event: unknown, signal: AbortSignal): Promise<FleetAnswer> {
  if (readField(event, "CodePipeline.job") !== undefined) return handleJob(fleet, event, signal);
  const source = readText(event, "source");
  if (source === "aws.ec2") return handleInstance(fleet, event, signal);
  if (source === "aws.autoscaling") return handleHook(fleet, event, signal);
  const isSchedule = readText(event, "detail-type") === "Scheduled Event";
  if (isSchedule && (source === "aws.events" || source === "aws.scheduler")) return handleTick(fleet, signal);
  return handleJob(fleet, event, signal);
}

/** The answer to an event about an instance. */
type InstanceAnswer =
  | { readonly kind: "ignored"; readonly code: string }
  | { readonly kind: "done"; readonly instanceId: string; readonly code: string }
  | { readonly kind: "run"; readonly instanceId: string; readonly runId: string };

/** Failures for which the instance must not be ignored. */
const FAILURES: ReadonlySet<string> = new Set(["ARTIFACT_NOT_FOUND", "ARTIFACT_ACCESS_DENIED"]);
/** An event may be ahead of EC2's answers, and during a lifecycle action the instance is still starting. */
const STATES = ["pending", "running"];

/**
 * Handles an instance that has started running. The same event again changes nothing. Throws the errors of AWS and the
 * store.
 */
async function handleInstance(fleet: Fleet, event: unknown, signal: AbortSignal): Promise<InstanceAnswer> {
  const decision = parseInstanceEvent(event, fleet.settings);
  if (decision.kind === "ignore") return toIgnored(fleet, decision.code);
  return configure(fleet, decision, undefined, signal);
}

/** Handles an instance that waits in a launch lifecycle hook. It enters service once it is configured. */
async function handleHook(fleet: Fleet, event: unknown, signal: AbortSignal): Promise<InstanceAnswer> {
  const decision = parseHookEvent(event, fleet.settings);
  if (decision.kind === "ignore") return toIgnored(fleet, decision.code);
  return configure(fleet, decision, decision.hook, signal);
}

function toIgnored({ logger }: Fleet, code: string): InstanceAnswer {
  logger.debug("The event does not concern an instance of the fleet.", { code });
  return { kind: "ignored", code };
}

async function configure(
  fleet: Fleet,
  started: StartedInstance,
  hook: LifecycleHook | undefined,
  signal: AbortSignal,
): Promise<InstanceAnswer> {
  const { instanceId, eventId } = started;
  await noteStart(fleet, instanceId);
  const known = await findEventRecord(fleet, eventId);
  const record = known ?? (await keepEventRecord(fleet, eventId, await decide(fleet, instanceId, signal)));
  if (record.kind === "done") return leave(fleet, { instanceId, record, hook });
  await startRun(fleet, record, hook);
  // A run of this start may have ended before the lifecycle action came.
  if (hook !== undefined) await settleRun(fleet, record.runId);
  return { kind: "run", instanceId, runId: record.runId };
}

async function decide(fleet: Fleet, instanceId: string, signal: AbortSignal): Promise<EventRecord> {
  const { boot, clock } = fleet;
  const loaded = await loadInstance(fleet, instanceId, signal);
  if (loaded === undefined) return toDone(INSTANCE_GONE, "EC2 does not know the instance.");
  const { skipped } = selectInstances([loaded.known], { ...boot, states: STATES, platform: "any" });
  const [left] = skipped;
  if (left !== undefined) return toDone(left.code, "The instance is not one of the fleet.");
  const artifact = await findBootArtifact(fleet, signal);
  if ("kind" in artifact) return toDone(artifact.code, artifact.message);
  return toBootIntent({ instanceId, launchedAt: loaded.launchedAt, artifact, boot, now: clock.now() });
}

function toDone(code: string, message: string): EventDone {
  return { kind: "done", code, message };
}

/**
 * Sends nothing. Completes a waiting lifecycle action: continue, or abandon an instance that cannot be used. That of an instance
 * which EC2 does not know is left: it may still exist, unconfigured, so the hook's own default decides.
 */
async function leave(
  fleet: Fleet,
  { instanceId, record, hook }: { instanceId: string; record: EventDone; hook: LifecycleHook | undefined },
): Promise<InstanceAnswer> {
  const { code, message } = record;
  const isFailure = FAILURES.has(code);
  if (isFailure) fleet.logger.error("An instance cannot be configured.", { instanceId, code, message });
  else fleet.logger.info("An instance was skipped.", { instanceId, code });
  if (hook !== undefined && code !== INSTANCE_GONE) {
    await completeLifecycleAction(fleet, hook, isFailure ? "ABANDON" : "CONTINUE");
  }
  return { kind: "done", instanceId, code };
}
