import { toCell } from "./clean-text.ts";
import type { FleetReport } from "./to-fleet-report.ts";

/** In one sentence how a run stands. */
export function tellVerdict({ counts, standings, endedAt }: FleetReport): string {
  const { selected, succeeded, failed } = counts;
  const notSent = standings["not sent"];
  if (selected === 0) return "No instance was selected.";
  if (standings.waiting === selected) return `${tellCount(selected)}, and nothing was sent yet.`;
  const bad = failed + notSent;
  if (endedAt === undefined && standings.running + standings.waiting > 0) {
    return `${succeeded + bad} of ${tellCount(selected)} are done: ${succeeded} succeeded, ${bad} failed.`;
  }
  if (bad === 0) return selected === 1 ? "The instance succeeded." : `All ${selected} instances succeeded.`;
  const left = notSent === 0 ? "" : ` ${notSent} of them ${notSent === 1 ? "was" : "were"} not sent to.`;
  return `${bad} of ${tellCount(selected)} failed.${left}`;
}

/** Facts of the whole run, as names and values. */
export function listRunFacts(report: FleetReport): readonly (readonly [string, string])[] {
  const { runId, source, artifact, startedAt, endedAt } = report;
  const version = artifact?.versionId === undefined ? "" : ` (version ${artifact.versionId})`;
  const facts: readonly (readonly [string, string | undefined])[] = [
    ["Run", runId],
    ["Started by", source === undefined ? undefined : (SOURCES.get(source) ?? source)],
    ["Artifact", artifact && `s3://${artifact.bucket}/${artifact.key}${version}`],
    ["Started", startedAt === undefined ? undefined : toInstant(startedAt)],
    ["Ended", endedAt === undefined ? undefined : toInstant(endedAt)],
    ["Took", startedAt === undefined || endedAt === undefined ? undefined : toLength(endedAt - startedAt)],
  ];
  return facts.flatMap(([name, value]) => (value === undefined ? [] : [[name, toCell(value, 1_200)] as const]));
}

const SOURCES: ReadonlyMap<string, string> = new Map([
  ["pipeline", "a pipeline"],
  ["bootstrap", "the start of an instance"],
  ["command", "a command"],
  ["task", "a task of a machine"],
]);

/** A length in its largest two units: `4m 12s`, `0.4s`. */
export function toLength(ms: number): string {
  if (!(ms >= 0)) return "";
  if (ms < 10_000) return `${Math.round(ms / 100) / 10}s`;
  const seconds = Math.round(ms / 1_000);
  const units = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3_600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [seconds % 60, "s"],
  ] as const;
  const first = units.findIndex(([count]) => count > 0);
  const shown = units.slice(first, first + 2).filter(([count]) => count > 0);
  return shown.map(([count, unit]) => `${count}${unit}`).join(" ");
}

const MAX_INSTANT = 8_640_000_000_000_000;

/** ISO 8601 in UTC, in whole seconds; what is no instant is told as it is. */
export function toInstant(ms: number): string {
  if (!(Math.abs(ms) <= MAX_INSTANT)) return String(ms);
  return new Date(ms).toISOString().replace(/\.\d{3}Z$/, "Z");
}

function tellCount(count: number): string {
  return count === 1 ? "1 instance" : `${count} instances`;
}
