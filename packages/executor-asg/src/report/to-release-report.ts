import type { ReleaseEnd, ReleaseFault, ReleaseOperation, ReleaseReport, ServiceReport } from "@stackyard/sdk/releases";
import { planCapacity } from "../capacity/plan-capacity.ts";
import type { Release, Service } from "../document/release.ts";
import type { ReleaseStateName } from "../machine/state-name.ts";
import type { ReleaseState, ServiceState, StateError } from "../release-state.ts";

/** What a report is made of. */
export interface ReleaseReportInput {
  readonly operation?: ReleaseOperation;
  readonly release: Release;
  /** Undefined before Validate has passed. */
  readonly state: ReleaseState | undefined;
  /** Where it is, since when (epoch ms). */
  readonly at: { readonly name: ReleaseStateName; readonly since: number };
  readonly path: readonly { readonly state: ReleaseStateName; readonly at: number }[];
  readonly lines: readonly { readonly at: number; readonly text: string }[];
  readonly end?: ReleaseEnd;
}

/** Entries of the path that a report keeps; the newest. */
const MAX_PATH = 200;
/** Lines that a report keeps; the newest. */
const MAX_LINES = 50;
const MAX_LINE = 500;
const MAX_MESSAGE = 4_000;

/** The key of a run's report: one page. */
export function toReportKey(runId: string): string {
  return `run-report/${runId}/0000`;
}

/** What a release has done so far, as its run shows it. Bounded, whatever the release is. */
export function toReleaseReport(input: ReleaseReportInput): ReleaseReport {
  const { operation = "deploy", release, state, at, path, lines, end } = input;
  const startedAt = Date.parse(state?.started_at ?? "");
  const error = state?.error && toFault(state.error);
  return {
    operation,
    releaseId: release.release_id,
    account: release.aws_account_id,
    region: release.aws_region,
    project: release.project_name,
    config: release.config_name,
    state: at.name,
    since: at.since,
    ...(Number.isNaN(startedAt) ? {} : { startedAt }),
    timeoutSeconds: release.timeout,
    path: path.slice(-MAX_PATH),
    services: Object.fromEntries(
      Object.entries(release.services).map(([name, service]) => [name, toService(service, state?.services[name])]),
    ),
    lines: lines.slice(-MAX_LINES).map((line) => ({ at: line.at, text: line.text.slice(0, MAX_LINE) })),
    ...(error && { error }),
    laterErrors: (state?.later_errors ?? []).slice(0, 10).map(toFault),
    ...(end && { end }),
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
    ...(group === undefined ? {} : { group }),
    isHealthy: state?.healthy ?? false,
    causes: causes.map((cause) => cause.slice(0, MAX_LINE)),
  };
}

function toTargets({ autoscaling }: Service, state: ServiceState | undefined) {
  if (state?.resources === undefined) return { target_healthy: 0, target_launched: 0 };
  const { targetHealthy, targetLaunched } = planCapacity(autoscaling, state.previous_desired_capacity);
  return { target_healthy: targetHealthy, target_launched: targetLaunched };
}

function toFault({ Error: name, Cause: cause }: StateError): ReleaseFault {
  return { class: name, message: cause.slice(0, MAX_MESSAGE) };
}
