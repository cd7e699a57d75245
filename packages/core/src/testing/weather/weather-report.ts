import type { PlayedMoment } from "./create-sky.ts";
import { toFindingText, type WeatherFinding, type WeatherReport } from "./explore.ts";
import type { Weather } from "./story.ts";

const MAX_RUNS_SHOWN = 6;
const MAX_SAID_CHARS = 220;

/** Formats a report: the numbers of runs, then the findings, grouped by operation, weather and sentence. */
export function formatWeatherReport(report: WeatherReport): string {
  const { story, moments, runs, leftOut, ms, findings, decided } = report;
  const count = Object.values(moments).reduce((sum, each) => sum + each, 0);
  const rest = leftOut > 0 ? `, ${leftOut} left out` : "";
  const seconds = (ms / 1_000).toFixed(1);
  const groups = Map.groupBy(findings, toGroup);
  return [
    `${story}: ${count} moments, ${runs} runs in ${seconds} s${rest}; ${findings.length} findings of ${groups.size} kinds`,
    ...[...groups].map(([line, all]) => `  ${line} [${formatRuns(all)}] said: ${toSaid(all)}`),
    ...Object.entries(decided).map(([reason, times]) => `  decided (${times} runs): ${reason}`),
  ].join("\n");
}

/** Ids differ from run to run. */
function toGroup(finding: WeatherFinding): string {
  return toFindingText(finding).replaceAll(/\b(?=\w*\d)[0-9a-f]{6,}\b/g, "…");
}

/** A run may break a promise twice in the same way. */
function formatRuns(findings: readonly WeatherFinding[]): string {
  const runs = [...new Set(findings.map(({ run }) => run))];
  return `${runs.slice(0, MAX_RUNS_SHOWN).join("; ")}${runs.length > MAX_RUNS_SHOWN ? `; … ${runs.length}` : ""}`;
}

function toSaid([first]: readonly WeatherFinding[]): string {
  return first?.said.slice(0, MAX_SAID_CHARS) ?? "";
}

/** Lists the moments of a story with the weathers that fit them, then these weathers with their sources. */
export function formatMoments(story: string, played: readonly PlayedMoment[], weathers: readonly Weather[]): string {
  const toFitting = ({ moment, answer }: PlayedMoment) => weathers.filter((weather) => weather.fits(moment, answer));
  const toNames = (fitting: readonly Weather[]) => [...new Set(fitting.map(({ name }) => name))].join(", ");
  const used = new Set(played.flatMap(toFitting));
  return [
    `${story}: ${played.length} moments in fair weather`,
    ...played.map((each) => `  ${each.moment.at}: ${toNames(toFitting(each))}`),
    "Their weathers:",
    ...weathers.filter((each) => used.has(each)).map(({ name, source }) => `  ${name}: ${source}`),
  ].join("\n");
}
