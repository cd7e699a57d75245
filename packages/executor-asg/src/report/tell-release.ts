import { formatTable } from "@stackyard/sdk/commands";
import type { Release, ReleaseReport } from "@stackyard/sdk/releases";
import { tellService } from "./tell-service.ts";
import { toCell } from "./to-cell.ts";
import { toLength } from "./to-length.ts";

/** How far a release is, in one line: what a pipe shows each time that it is another one. */
export function tellProgress({ report, standing, isHalting, message }: Release): string {
  if (report === undefined) {
    const words = [isHalting ? "halting" : standing, ...(message === undefined ? [] : [message])];
    return toCell(words.join(": "), 200);
  }
  const services = Object.entries(report.services).map(([name, service]) => `${name} ${tellService(service)}`);
  const shown = hasInstances(report) ? services.map((text) => toCell(text, 120)).join("; ") : "";
  return `${isHalting ? "halting, " : ""}${toCell(report.end ?? report.state, 40)}  ${shown}`.trimEnd();
}

function hasInstances({ services }: ReleaseReport): boolean {
  return Object.values(services).some(({ targetLaunched, launching }) => targetLaunched + launching > 0);
}

/** How a release stands or has ended, in one line with what to know about it. */
export function tellEnd(release: Release): string {
  const { operation, releaseId, runId, standing, end, error } = release;
  const what = operation === "deploy" ? `Release ${toCell(releaseId === "" ? runId : releaseId)}` : toSentence(release);
  const why = error === undefined ? "" : ` ${toCell(error.code)}: ${toCell(error.message, 2_000)}`;
  if (end === "FailureDirty") return `${what} has failed and left something behind.${why}`;
  if (standing === "succeeded") return `${what} is done.`;
  if (standing === "cancelled") return `${what} was halted; nothing of it is left.${why}`;
  if (standing === "failed") return `${what} has failed; nothing of it is left.${why}`;
  return `${what} goes on: ${release.isHalting ? "halting" : (release.report?.state ?? standing)}.`;
}

function toSentence({ operation, project, config }: Release): string {
  return `The ${operation} of ${toCell(project)} ${toCell(config)}`;
}

/** Everything that is known of a release, for people. */
export function tellRelease(release: Release): string {
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
    `${tellEnd(release)}\n${formatTable(facts)}`,
    report === undefined ? "" : toServiceTable(report),
    report === undefined ? "" : tellPath(report),
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

/** States in their order; what was polled is told once with how often. */
function tellPath({ path }: ReleaseReport): string {
  const shown: { state: string; times: number }[] = [];
  for (const { state } of path) {
    const same = shown.findLast((each) => each.state === state);
    if (same === undefined) shown.push({ state: toCell(state, 40), times: 1 });
    else same.times += 1;
  }
  const states = shown.map(({ state, times }) => (times === 1 ? state : `${state} (${times} times)`));
  return states.length === 0 ? "" : `Path: ${states.join(", ")}`;
}
