import { exploreWeather, isIntended, playFair, playWeather, toFindingText, type WeatherScope } from "./explore.ts";
import { repeatWeather } from "./repeat-weather.ts";
import type { OneRun, PlantedBug, ReportedRun, Story, Weather } from "./story.ts";
import { formatMoments, formatWeatherReport } from "./weather-report.ts";

/** One story as a test, for any test runner. */
export interface WeatherCase {
  readonly name: string;
  readonly timeoutMs: number;
  /** Plays the runs. Throws if a run breaks a promise that is not declared as intended. */
  run(print: (text: string) => void): Promise<void>;
}

/**
 * The variables that choose the runs: `WEATHER` (a scope; `list` for the moments and their weathers; one run as JSON; or, with a scope instead of a moment, its runs with the
 * weathers whose names begin so), else `LONG_TESTS` and `QUICK_TESTS`.
 */
export type WeatherEnvironment = Readonly<Record<string, string | undefined>>;

const HOUR_MS = 3_600_000;
const SCOPES: Readonly<Record<string, WeatherScope>> = {
  first: { moments: "first", maxRuns: 6 },
  area: { moments: "first", maxRuns: 40 },
  sampled: { moments: "sampled", maxRuns: 100 },
  all: { moments: "all" },
  // Some thirty stories in two processes: a quarter of an hour.
  pairs: { moments: "pairs", maxRuns: 1_000, maxMs: 50_000 },
};

/**
 * Returns one case for each story, one for each bug that is planted in one, and one for each run of a report. By default samples are played, with `QUICK_TESTS` the first call of each operation, with
 * `LONG_TESTS` pairs of weathers.
 */
export function weatherCases(
  stories: readonly Story[],
  weathers: readonly Weather[],
  environment: WeatherEnvironment,
): readonly WeatherCase[] {
  const chosen = environment["WEATHER"] ?? toDefault(environment);
  if (chosen === "list") return stories.map((story) => toListCase(story, weathers));
  const part = findPart(chosen);
  const scope = SCOPES[part?.scope ?? chosen];
  const played = weathers.filter(({ name }) => name.startsWith(part?.begin ?? ""));
  const planted = stories.flatMap(({ planted = [], ...story }) =>
    planted.length === 0 ? [toUnguardedCase(story)] : planted.map((each) => toPlantedCase(story, weathers, each)),
  );
  const cases = stories.map(
    (story): WeatherCase => ({
      name: story.name,
      timeoutMs: HOUR_MS,
      run: (print) =>
        scope === undefined
          ? repeatOne(story, weathers, { text: chosen, print })
          : exploreAll(story, toFitting(played, part?.begin), { scope, print, isWhole: part === undefined }),
    }),
  );
  const reported = stories.flatMap((story) =>
    (story.reported ?? []).map((each) => toReportedCase(story, weathers, each)),
  );
  return [...cases, ...planted, ...(scope === undefined ? [] : reported)];
}

/** Throws for a name that no weather of the story begins with; other stories may have one. */
function toFitting(weathers: readonly Weather[], begin = ""): readonly Weather[] {
  if (weathers.length === 0) throw new Error(`No weather's name begins with "${begin}".`);
  return weathers;
}

function toListCase(story: Story, weathers: readonly Weather[]): WeatherCase {
  return {
    name: story.name,
    timeoutMs: HOUR_MS,
    run: async (print) => print(formatMoments(story.name, (await playFair(story)).played, weathers)),
  };
}

/** Returns a scope and the beginning of the names of the weathers that are played in it. */
function findPart(chosen: string): { readonly scope: string; readonly begin: string } | undefined {
  if (!chosen.startsWith("{")) return undefined;
  const { at, weather } = JSON.parse(chosen);
  return Object.hasOwn(SCOPES, String(at)) ? { scope: String(at), begin: String(weather) } : undefined;
}

function toReportedCase(story: Story, weathers: readonly Weather[], { report, ...run }: ReportedRun): WeatherCase {
  return {
    name: `${story.name} keeps its promises in “${run.weather}” at ${run.at}. Reported: ${report}`,
    timeoutMs: HOUR_MS,
    async run() {
      const { breaches } = await repeatWeather(story, weathers, run);
      const place = `${run.weather} at ${run.at.replace(/#\d+$/, "")}`;
      const findings = breaches.map((breach) => ({ ...breach, place }));
      const found = findings.filter((each) => !(story.decisions ?? []).some((decision) => isIntended(each, decision)));
      if (found.length > 0) throw new Error(found.map(toFindingText).join("\n"));
    },
  };
}

function toPlantedCase(
  story: Story,
  weathers: readonly Weather[],
  { bug, run, invariant, play }: PlantedBug,
): WeatherCase {
  return {
    name: `${story.name} finds the planted bug “${bug}”`,
    timeoutMs: HOUR_MS,
    async run() {
      // Modules are loaded in real time, which the parts of a story do not wait for.
      await playFair(story);
      const buggy = { ...story, play };
      const { breaches } = await (run === undefined ? playWeather(buggy) : repeatWeather(buggy, weathers, run));
      if (breaches.some((breach) => breach.invariant === invariant)) return;
      const found = breaches.map((breach) => breach.invariant).join(", ");
      throw new Error(`${story.name} does not find “${bug}” by “${invariant}”. It found: ${found || "nothing"}.`);
    },
  };
}

/** A story that no bug guards may know nothing: it finds nothing, whatever the program does. */
function toUnguardedCase({ name }: Story): WeatherCase {
  return {
    name: `${name} is guarded by a planted bug`,
    timeoutMs: HOUR_MS,
    async run() {
      throw new Error(`${name} has no planted bug. Add one to \`planted\` that the story must find in fair weather.`);
    },
  };
}

function toDefault(environment: WeatherEnvironment): string {
  if (environment["LONG_TESTS"]) return "pairs";
  return environment["QUICK_TESTS"] ? "first" : "sampled";
}

type Print = (text: string) => void;

async function exploreAll(
  story: Story,
  weathers: readonly Weather[],
  { scope, print, isWhole }: { readonly scope: WeatherScope; readonly print: Print; readonly isWhole: boolean },
): Promise<void> {
  const report = await exploreWeather(story, weathers, scope);
  const text = formatWeatherReport(report);
  print(text);
  if (report.findings.length > 0) throw new Error(text);
  const single = (story.decisions ?? []).filter(({ isOfPairs = false }) => !isOfPairs);
  const unused = single.filter(({ reason }) => report.decided[reason] === undefined);
  if (scope.moments !== "all" || !isWhole || unused.length === 0) return;
  throw new Error(`No run needs these decisions of ${story.name}: ${unused.map(({ reason }) => reason).join("; ")}`);
}

async function repeatOne(
  story: Story,
  weathers: readonly Weather[],
  { text, print }: { readonly text: string; readonly print: Print },
): Promise<void> {
  const { beside, ...first } = JSON.parse(text);
  const runs: readonly OneRun[] = beside === undefined ? [first] : [first, beside];
  const { ending, breaches, played } = await repeatWeather(story, weathers, ...runs);
  for (const { moment, answer } of played) {
    const seconds = Math.round((moment.now - (played[0]?.moment.now ?? 0)) / 1_000);
    const met = runs.filter(({ at }) => at === moment.at).map(({ weather }) => ` <- ${weather}`);
    print(`${moment.at} ${seconds} s ${moment.operation}${met.join("")} ${toText(answer)}`);
  }
  print(ending instanceof Error ? String(ending.stack) : JSON.stringify(ending, null, 2));
  const place = `run ${runs.map(({ at, weather }) => `${at} "${weather}"`).join(" and ")}`;
  const lines = [...new Set(breaches.map((breach) => toFindingText({ ...breach, place })))];
  if (lines.length > 0) throw new Error(lines.join("\n"));
}

const MAX_ANSWER_CHARS = 160;

/** Streams and clients are not data. */
function toText(answer: unknown): string {
  try {
    return (JSON.stringify(answer) ?? "").slice(0, MAX_ANSWER_CHARS);
  } catch {
    return "";
  }
}
