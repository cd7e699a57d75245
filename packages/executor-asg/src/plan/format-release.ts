import { type AccountNames, formatAccount } from "@stackyard/core";
import { formatTable, toCell } from "@stackyard/sdk/commands";
import type { ReleaseReport, ServiceReport, Release as YardRelease } from "@stackyard/sdk/releases";

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
  const { operation, releaseId, jobId, standing, end, error } = release;
  const what = operation === "deploy" ? `Release ${toCell(releaseId === "" ? jobId : releaseId)}` : toSentence(release);
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

/** Formats everything that is known about a release. `accounts`: their names. Default: none. */
export function formatRelease(release: YardRelease, accounts: AccountNames = {}): string {
  const { report, jobId, account, region, project, config, startedAt, endedAt } = release;
  const took = endedAt === undefined ? "" : toLength((Date.parse(endedAt) - Date.parse(startedAt)) / 1_000);
  const facts = [
    ["project-config", `${project} ${config}`],
    ["account", formatAccount(accounts, account, region)],
    ["job", jobId],
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
