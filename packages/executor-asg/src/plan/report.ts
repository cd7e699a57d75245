import { changeRecord, cutText, defined, type ExecutorContext } from "@stackyard/core";
import type { ReleaseEnd, ReleaseFault, ReleaseReport, ServiceReport } from "@stackyard/sdk/releases";
import type { Service } from "../document/release.ts";
import type { ServiceState, StateError } from "../release-state.ts";
import type { ReleaseProgress } from "../step-release.ts";
import { planCapacity } from "./capacity.ts";

/** Maximum number of path entries in a report; the newest are kept. */
const MAX_PATH = 200;

/** Maximum number of lines in a report; the newest are kept. */
const MAX_LINES = 50;

const MAX_LINE = 500;

const MAX_MESSAGE = 4_000;

/** Returns the record key of a job's report. */
export function toReportKey(jobId: string): string {
  return `job-report/${jobId}/0000`;
}

/** The part of a release's progress that a report shows. */
type ReportedProgress = Pick<
  ReleaseProgress,
  "operation" | "release" | "state" | "position" | "since" | "path" | "lines"
>;

/** Builds the report of a release for its job. Its size is bounded. */
export function toReleaseReport(progress: ReportedProgress, end?: ReleaseEnd): ReleaseReport {
  const { operation, release, state, position, since, path, lines } = progress;
  return {
    operation,
    releaseId: release.release_id,
    account: release.aws_account_id,
    region: release.aws_region,
    project: release.project_name,
    config: release.config_name,
    state: position.state,
    since,
    startedAt: Date.parse(state.started_at),
    timeoutSeconds: release.timeout,
    path: path.slice(-MAX_PATH),
    services: Object.fromEntries(
      Object.entries(release.services).map(([name, service]) => [name, toService(service, state.services[name])]),
    ),
    lines: lines.slice(-MAX_LINES).map((line) => ({ at: line.at, text: cutText(line.text, MAX_LINE) })),
    ...(state.error && { error: toFault(state.error) }),
    laterErrors: (state.later_errors ?? []).slice(0, 10).map(toFault),
    ...defined({ end }),
  };
}

function toService(service: Service, state: ServiceState | undefined): ServiceReport {
  const { healthy_report: report, created_asg: group, causes = [] } = state ?? {};
  const counts = report ?? { healthy: 0, terminating: 0, launching: 0, ...toTargets(service, state) };
  const { healthy, terminating, launching, target_healthy: targetHealthy, target_launched: targetLaunched } = counts;
  return {
    healthy,
    terminating,
    launching,
    targetHealthy,
    targetLaunched,
    unhealthy: Math.max(0, launching - healthy - terminating),
    ...defined({ group }),
    isHealthy: state?.healthy ?? false,
    causes: causes.map((cause) => cutText(cause, MAX_LINE)),
  };
}

function toTargets({ autoscaling }: Service, state: ServiceState | undefined) {
  if (state?.resources === undefined) return { target_healthy: 0, target_launched: 0 };
  const { targetHealthy, targetLaunched } = planCapacity(autoscaling, state.previous_desired_capacity);
  return { target_healthy: targetHealthy, target_launched: targetLaunched };
}

function toFault({ Error: name, Cause: cause }: StateError): ReleaseFault {
  return { class: name, message: cutText(cause, MAX_MESSAGE) };
}

const KEPT_MS = 30 * 24 * 3_600_000;
const MAX_TRIES = 3;

/** Stores the report of a job. A failed write does not stop the release: the next report follows soon. */
export async function storeReport(
  { records, clock, logger, stackId }: ExecutorContext,
  value: ReleaseReport,
): Promise<void> {
  const key = toReportKey(stackId);
  try {
    const decide = (_: unknown, now: number) => ({ write: { value, expiresAt: now + KEPT_MS } });
    await changeRecord({ records, clock, key, tries: MAX_TRIES, decide });
  } catch (error) {
    logger.warn("cannot write the report of a release", { error });
  }
}
