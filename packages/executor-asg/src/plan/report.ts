import { defined } from "@stackyard/core";
import { formatTable, toCell } from "@stackyard/sdk/commands";
import type {
  ReleaseEnd,
  ReleaseFault,
  ReleaseOperation,
  ReleaseReport,
  ServiceReport,
  Release as YardRelease,
} from "@stackyard/sdk/releases";
import type { Release, Service } from "../document/release.ts";
import type { ReleaseStateName } from "../release-machine.ts";
import type { ReleaseConstants, ReleaseState, ServiceState, StateError } from "../release-state.ts";
import { type GatedStep, isAtLastStep, nextCapacity, planCapacity } from "./capacity.ts";

/** Input of `toReleaseReport`. */
interface ReleaseReportInput {
  readonly operation?: ReleaseOperation;
  readonly release: Release;
  /** Undefined before Validate has passed. */
  readonly state: ReleaseState | undefined;
  /** Current state, and since when (epoch ms). */
  readonly at: { readonly name: ReleaseStateName; readonly since: number };
  readonly path: readonly { readonly state: ReleaseStateName; readonly at: number }[];
  readonly lines: readonly { readonly at: number; readonly text: string }[];
  readonly end?: ReleaseEnd;
}

/** Maximum number of path entries in a report; the newest are kept. */
const MAX_PATH = 200;
/** Maximum number of lines in a report; the newest are kept. */
const MAX_LINES = 50;
const MAX_LINE = 500;
const MAX_MESSAGE = 4_000;

/** Returns the record key of a run's report. */
export function toReportKey(runId: string): string {
  return `run-report/${runId}/0000`;
}

/** Builds the report of a release for its run. Its size is bounded. */
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
    ...defined({ group }),
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

/** Formats the progress of a release in one line, for pipes. */
export function formatProgress({ report, standing, isHalting, message }: YardRelease): string {
  if (report === undefined) {
    const words = [isHalting ? "halting" : standing, ...(message === undefined ? [] : [message])];
    return toCell(words.join(": "), 200);
  }
  const services = Object.entries(report.services).map(([name, service]) => `${name} ${formatService(service)}`);
  const shown = hasInstances(report) ? services.map((text) => toCell(text, 120)).join("; ") : "";
  return `${isHalting ? "halting, " : ""}${toCell(report.end ?? report.state, 40)}  ${shown}`.trimEnd();
}

function hasInstances({ services }: ReleaseReport): boolean {
  return Object.values(services).some(({ targetLaunched, launching }) => targetLaunched + launching > 0);
}

/** Formats the state or end of a release in one line. */
export function formatEnd(release: YardRelease): string {
  const { operation, releaseId, runId, standing, end, error } = release;
  const what = operation === "deploy" ? `Release ${toCell(releaseId === "" ? runId : releaseId)}` : toSentence(release);
  const why = error === undefined ? "" : ` ${toCell(error.code)}: ${toCell(error.message, 2_000)}`;
  if (end === "FailureDirty") return `${what} failed and left resources behind.${why}`;
  if (standing === "succeeded") return `${what} succeeded.`;
  if (standing === "cancelled") return `${what} was halted; everything it created was removed.${why}`;
  if (standing === "failed") return `${what} failed; everything it created was removed.${why}`;
  return `${what} is running: ${release.isHalting ? "halting" : (release.report?.state ?? standing)}.`;
}

function toSentence({ operation, project, config }: YardRelease): string {
  return `The ${operation} of ${toCell(project)} ${toCell(config)}`;
}

/** Formats everything that is known about a release. */
export function formatRelease(release: YardRelease): string {
  const { report, runId, account, region, project, config, startedAt, endedAt } = release;
  const took = endedAt === undefined ? "" : toLength((Date.parse(endedAt) - Date.parse(startedAt)) / 1_000);
  const facts = [
    ["project-config", `${project} ${config}`],
    ["account", `${account} ${region}`],
    ["run", runId],
    ["started", startedAt],
    ...(took === "" ? [] : [["took", took]]),
    ...(report?.error === undefined ? [] : [["first error", `${report.error.class}: ${report.error.message}`]]),
    ...(report?.laterErrors ?? []).map((error) => ["later error", `${error.class}: ${error.message}`]),
  ].map(([name = "", value = ""]) => [`${name}:`, toCell(value, 1_000)]);
  return [
    `${formatEnd(release)}\n${formatTable(facts)}`,
    report === undefined ? "" : toServiceTable(report),
    report === undefined ? "" : formatPath(report),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

function toServiceTable({ services }: ReleaseReport): string {
  const rows = Object.entries(services);
  if (rows.length === 0) return "";
  const head = ["SERVICE", "HEALTHY", "NEEDED", "INSTANCES", "TERMINATING", "GROUP"];
  const table = rows.map(([name, service]) => {
    const { healthy, targetHealthy, launching, terminating, group = "" } = service;
    return [toCell(name, 40), ...[healthy, targetHealthy, launching, terminating].map(String), toCell(group, 120)];
  });
  const causes = rows.flatMap(([name, { causes: each }]) => each.map((cause) => toCell(`${name}: ${cause}`, 300)));
  return [formatTable([head, ...table], { numbers: [1, 2, 3, 4] }), ...causes].join("\n");
}

/** Formats the path: each state once, with its number of visits. */
function formatPath({ path }: ReleaseReport): string {
  const shown: { state: string; times: number }[] = [];
  for (const { state } of path) {
    const same = shown.findLast((each) => each.state === state);
    if (same === undefined) shown.push({ state: toCell(state, 40), times: 1 });
    else same.times += 1;
  }
  const states = shown.map(({ state, times }) => (times === 1 ? state : `${state} (${times} times)`));
  return states.length === 0 ? "" : `Path: ${states.join(", ")}`;
}

/** Formats the instance counts of a service. */
function formatService(service: ServiceReport): string {
  const { healthy, unhealthy, terminating, targetHealthy } = service;
  const missing = countMissing(service);
  return [
    `${healthy} of ${targetHealthy} healthy`,
    ...(unhealthy === 0 ? [] : [`${unhealthy} not yet`]),
    ...(terminating === 0 ? [] : [`${terminating} terminating`]),
    ...(missing === 0 ? [] : [`${missing} missing`]),
  ].join(", ");
}

/** Returns the number of instances that are not launched yet. */
function countMissing({ launching, targetLaunched }: ServiceReport): number {
  return Math.max(0, targetLaunched - launching);
}

/** Earliest possible rollout of a service: every instance is healthy at its first check. */
export interface RolloutForecast {
  /** Desired capacities of the group, and the second after the start of Deploy from which they apply. */
  readonly steps: readonly { readonly afterSeconds: number; readonly desired: number }[];
  /** Second of the check at which it is healthy. Undefined: not within the timeout. */
  readonly healthyAfterSeconds: number | undefined;
}

/** Shortest possible duration of a release. */
export interface ReleaseForecast {
  readonly services: Readonly<Record<string, RolloutForecast>>;
  /** Second of the check at which all services are healthy. Undefined: not within the timeout. */
  readonly healthyAfterSeconds: number | undefined;
  /** Second of the end, including slow start. AWS calls and drains are not included. */
  readonly doneAfterSeconds: number | undefined;
}

/** Seconds before the first poll, by the generation of the deployer. */
const BOOT_SECONDS = { odin: 90, "step-asg-deployer": 30 } as const;
/** Seconds between detaching and deleting. The first generation has no such wait. */
const AFTER_DETACH_SECONDS = { odin: 5, "step-asg-deployer": 0 } as const;

/** Forecasts the shortest duration of a release from the waits of the state machine, the checks and the strategies. */
export function forecastRelease(
  release: Release,
  previous: Readonly<Record<string, number>>,
  options: { readonly generation: ReleaseConstants["generation"]; readonly slowStartSeconds?: number },
): ReleaseForecast {
  const { generation, slowStartSeconds = 0 } = options;
  const services = Object.fromEntries(
    Object.entries(release.services).map(([name, service]) => {
      const before = Object.hasOwn(previous, name) ? previous[name] : undefined;
      return [name, forecastService(release, service, { previous: before, boot: BOOT_SECONDS[generation] })];
    }),
  );
  const ends = Object.values(services).map(({ healthyAfterSeconds }) => healthyAfterSeconds);
  const known = ends.filter((end) => end !== undefined);
  const healthy = known.length === ends.length ? Math.max(0, ...known) : undefined;
  const done = healthy === undefined ? undefined : healthy + slowStartSeconds + AFTER_DETACH_SECONDS[generation];
  return { services, healthyAfterSeconds: healthy, doneAfterSeconds: done };
}

/** Upper bound of checks: 48 h with a check every 15 s are 11,520. */
const MOST_LOOKS = 12_000;

function forecastService(
  { timeout, wait_for_healthy: poll, stable_polls: stablePolls }: Release,
  { autoscaling }: Service,
  { previous, boot }: { readonly previous: number | undefined; readonly boot: number },
): RolloutForecast {
  const plan = planCapacity(autoscaling, previous);
  let group = { min: plan.initial.min, desired: plan.initial.desired };
  let step: GatedStep | undefined;
  let stable = 0;
  const steps = [{ afterSeconds: 0, desired: group.desired }];
  for (let look = 1; look <= MOST_LOOKS; look += 1) {
    const afterSeconds = boot + look * poll;
    if (afterSeconds > timeout) break;
    const instances = { total: group.desired, healthy: group.desired };
    const next = nextCapacity({
      autoscaling,
      plan,
      group,
      instances,
      now: afterSeconds * 1_000,
      ...(step && { step }),
    });
    const isHealthy = instances.healthy >= plan.targetHealthy && isAtLastStep(plan.steps, step);
    stable = isHealthy ? stable + 1 : 0;
    if (stable >= stablePolls) return { steps, healthyAfterSeconds: afterSeconds };
    if (next.applied.desired !== group.desired) steps.push({ afterSeconds, desired: next.applied.desired });
    group = next.applied;
    step = next.step;
  }
  return { steps, healthyAfterSeconds: undefined };
}

/** Options of `toReleasePicture`. */
export interface ReleasePictureOptions {
  /** Maximum length of a line. */
  readonly columns: number;
  readonly colour: boolean;
  /** Epoch milliseconds. */
  readonly now: number;
}

/**
 * Draws a release as lines: its state, and one dot for each existing or missing instance of a service, healthy ones
 * first, with a bar after as many as must be healthy. If there is not enough space, a dot represents several instances.
 */
export function toReleasePicture(report: ReleaseReport, options: ReleasePictureOptions): string {
  const { columns } = options;
  const services = Object.entries(report.services);
  const widest = Math.max(0, ...services.map(([name]) => [...toCell(name, MAX_NAME)].length));
  const causes = services.flatMap(([name, service]) => service.causes.map((cause) => `${name}: ${cause}`));
  return [
    toCell(formatHead(report, options.now), columns),
    ...services.map(([name, service]) => toServiceLine(toCell(name, MAX_NAME).padEnd(widest), service, options)),
    ...causes.slice(-MAX_CAUSES).map((cause) => toCell(`! ${cause}`, columns)),
    ...(report.error === undefined ? [] : [toCell(`${report.error.class}: ${report.error.message}`, columns)]),
  ].join("\n");
}

const MAX_NAME = 32;
const MAX_CAUSES = 3;

function formatHead({ releaseId, state, startedAt, timeoutSeconds, end }: ReleaseReport, now: number): string {
  const passed =
    startedAt === undefined ? "" : `, ${toLength((now - startedAt) / 1_000)} of ${toLength(timeoutSeconds)}`;
  return `${releaseId}: ${end ?? state}${end === undefined ? passed : ""}`;
}

/** Kinds of dots in drawing order; distinguishable without colors. */
const DOTS = [
  { kind: "healthy", glyph: "●", colour: 32 },
  { kind: "unhealthy", glyph: "◐", colour: 33 },
  { kind: "terminating", glyph: "×", colour: 31 },
  { kind: "missing", glyph: "·", colour: 90 },
] as const;

function toServiceLine(name: string, service: ServiceReport, { columns, colour }: ReleasePictureOptions): string {
  const words = formatService(service);
  const counts = { ...service, missing: countMissing(service) };
  const all = Math.max(service.targetLaunched, service.launching);
  const room = Math.max(MIN_DOTS, columns - [...name].length - words.length - ROOM_OF_REST);
  const scale = Math.max(1, Math.ceil(all / room));
  const dots = DOTS.flatMap((dot) => Array.from({ length: Math.ceil(counts[dot.kind] / scale) }, () => dot));
  // Round up, so that no kind is omitted.
  const bar = Math.ceil(service.targetHealthy / scale);
  const line = `${paint(dots.slice(0, bar), colour)}|${paint(dots.slice(bar), colour)}`;
  const each = scale === 1 ? "" : ` (${scale} each)`;
  return `${name}  ${line}  ${words}${each}`;
}

const MIN_DOTS = 10;
/** Space for blanks, the bar and the scale. */
const ROOM_OF_REST = 20;

function paint(dots: readonly (typeof DOTS)[number][], colour: boolean): string {
  if (!colour) return dots.map(({ glyph }) => glyph).join("");
  return DOTS.map((dot) => {
    const glyphs = dots.filter((each) => each === dot).map(({ glyph }) => glyph);
    return glyphs.length === 0 ? "" : `\u001b[${dot.colour}m${glyphs.join("")}\u001b[39m`;
  }).join("");
}

const UNITS = [
  ["d", 86_400],
  ["h", 3_600],
  ["m", 60],
  ["s", 1],
] as const;

/** Formats a duration in its two largest units, such as `2m 30s`. */
export function toLength(seconds: number): string {
  let left = Math.max(0, Math.floor(seconds));
  const parts: (readonly [string, number])[] = [];
  for (const [unit, length] of UNITS) {
    const count = Math.floor(left / length);
    left -= count * length;
    if (count > 0 || parts.length > 0) parts.push([unit, count]);
  }
  const shown = parts.slice(0, 2).filter(([, count]) => count > 0);
  return shown.length === 0 ? "0s" : shown.map(([unit, count]) => `${count}${unit}`).join(" ");
}

/** Joins sentences; all but the last get a missing full stop. */
export function joinSentences(sentences: readonly string[]): string {
  const last = sentences.length - 1;
  return sentences.map((each, at) => (at === last || /[.!?]$/.test(each) ? each : `${each}.`)).join(" ");
}
