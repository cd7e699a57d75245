import { type Fleet, type FleetDeps, toFleet } from "./fleet-deps.ts";
import { handleHook, handleInstance, type InstanceAnswer } from "./handle-instance.ts";
import { handleJob, type JobOutcome } from "./handle-job.ts";
import { handleTick, type TickReport } from "./handle-tick.ts";
import { readField, readText } from "./read-field.ts";

/** What Lambda calls a function with beside the event; what is read of it. */
export interface FleetContext {
  getRemainingTimeInMillis?(): number;
}

/** What became of an event. */
export type FleetAnswer = JobOutcome | InstanceAnswer | TickReport;

/** A fleet app. */
export interface FleetApp {
  /**
   * Takes jobs of CodePipeline, "EC2 Instance State-change Notification", "EC2 Instance-launch Lifecycle Action", and the
   * event of a schedule, each minute. Every event may come again. Rejects when the event must come again.
   */
  readonly handler: (event: unknown, context?: FleetContext) => Promise<FleetAnswer>;
}

/** Kept for telling a job's result; a quarter of the time where that is less. */
const SPARE_MS = 8_000;

/** An app that configures fleets from a pipeline and instances that start. */
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

/** Whatever is none of the others is taken for a job, which then lacks its id. */
function route(fleet: Fleet, event: unknown, signal: AbortSignal): Promise<FleetAnswer> {
  if (readField(event, "CodePipeline.job") !== undefined) return handleJob(fleet, event, signal);
  const source = readText(event, "source");
  if (source === "aws.ec2") return handleInstance(fleet, event, signal);
  if (source === "aws.autoscaling") return handleHook(fleet, event, signal);
  const isSchedule = readText(event, "detail-type") === "Scheduled Event";
  if (isSchedule && (source === "aws.events" || source === "aws.scheduler")) return handleTick(fleet, signal);
  return handleJob(fleet, event, signal);
}
