import { createRandom } from "../fake-clock.ts";
import { createSky, type Planned, type PlayedMoment } from "./create-sky.ts";
import { type Breach, evaluateEnding } from "./judge.ts";
import type { Decision, Ending, Story, Weather } from "./story.ts";
import { watchUnhandled } from "./watch-unhandled.ts";

/** Which runs are played. */
export interface WeatherScope {
  /**
   * The calls of an operation that meet weather: the first; also the second, the last and the first of each phase; or
   * all. `pairs`: two weathers in one run, drawn.
   */
  readonly moments: "first" | "sampled" | "all" | "pairs";
  /** At most so many runs, spread evenly over the others. Default: no limit. */
  readonly maxRuns?: number;
  /** No run begins after so many milliseconds of real time. Default: no limit. */
  readonly maxMs?: number;
}

/** A promise that one run broke. */
export interface WeatherFinding extends Breach {
  /** The run, for a repetition: `"ECS.RunTask#2" "reset after"`. */
  readonly run: string;
  /** `reset after at ECS.RunTask`. */
  readonly place: string;
  readonly said: string;
}

/** The result of all runs of a story. */
export interface WeatherReport {
  readonly story: string;
  /** The calls, deliveries and looks in fair weather, by operation. */
  readonly moments: Readonly<Record<string, number>>;
  readonly runs: number;
  /** The runs that were not played. */
  readonly leftOut: number;
  readonly ms: number;
  readonly findings: readonly WeatherFinding[];
  /** The findings that the story declares as intended, by the reason. */
  readonly decided: Readonly<Record<string, number>>;
}

/** The result of one run. */
export interface WeatherRun {
  readonly ending: Ending | Error;
  readonly breaches: readonly Breach[];
  readonly played: readonly PlayedMoment[];
}

/** Parts that wait for each other are woken by no clock, so real time ends such a run. */
const HUNG_MS = 120_000;
/** Between the two weathers of a run. */
const AND = " and ";

/**
 * Plays a story in fair weather, then again for each moment and each weather that fits it, and judges every ending.
 *
 * @throws Error if the story breaks a promise in fair weather.
 */
export async function exploreWeather(
  story: Story,
  weathers: readonly Weather[],
  { moments, maxRuns = Number.POSITIVE_INFINITY, maxMs = Number.POSITIVE_INFINITY }: WeatherScope,
): Promise<WeatherReport> {
  const began = performance.now();
  const { breaches, played } = await playFair(story);
  const broken = breaches.map(({ invariant, sentence }) => `${invariant}: ${sentence}`).join("; ");
  if (broken !== "") throw new Error(`${story.name} fails in fair weather: ${broken}`);
  const every = listPlans(played, weathers);
  const isPairs = moments === "pairs";
  const chosen = isPairs ? drawPairs(every, maxRuns) : spread(choosePlans(every, played, moments), maxRuns);
  const findings: WeatherFinding[] = [];
  let count = 0;
  for (const plans of chosen) {
    if (performance.now() - began > maxMs) break;
    findings.push(...(await findBreaches(story, plans)));
    count += 1;
  }
  const toDecision = (finding: WeatherFinding) =>
    story.decisions?.find((decision) => isIntended(finding, decision))?.reason;
  const decided = Map.groupBy(findings, toDecision);
  return {
    story: story.name,
    moments: countMoments(played),
    runs: count + 1,
    leftOut: (isPairs ? every.length ** 2 : every.length) - count,
    ms: performance.now() - began,
    findings: decided.get(undefined) ?? [],
    decided: Object.fromEntries(
      [...decided].flatMap(([reason, all]) => (reason === undefined ? [] : [[reason, all.length]])),
    ),
  };
}

async function findBreaches(story: Story, plans: readonly Planned[]): Promise<readonly WeatherFinding[]> {
  const { ending, breaches } = await playWeather(story, plans);
  const said = ending instanceof Error ? ending.message : ending.said;
  return breaches.map((breach) => ({
    ...breach,
    run: plans.map(toRunText).join(AND),
    place: toPlace(plans),
    said,
  }));
}

/** Returns true for a finding of the decision; what is intended in one weather is so in a run with two. */
export function isIntended(finding: FindingLine, decision: Decision): boolean {
  const single = finding.place.split(AND);
  const pair = single.length > 1 ? [finding.place] : [];
  const places = decision.isOfPairs === true ? pair : [...pair, ...single];
  return places.some((place) => decision.finding.test(toFindingText({ ...finding, place })));
}

/** The parts of a finding that its line has. */
type FindingLine = Omit<WeatherFinding, "run" | "said">;

/** Returns the line of a finding, which decisions match. */
export function toFindingText({ place, invariant, sentence }: FindingLine): string {
  return `${place}: ${invariant}: ${sentence}`;
}

const fairRuns = new WeakMap<Story["play"], Promise<WeatherRun>>();

/** Plays a story in fair weather, once in a process. */
export function playFair(story: Story): Promise<WeatherRun> {
  // The first run loads modules, in real time: the parts of the story then meet in another order than later.
  const run = fairRuns.get(story.play) ?? playWeather(story).then(() => playWeather(story));
  fairRuns.set(story.play, run);
  return run;
}

/** Plays one run and judges its ending; an error that nothing handles would end the process. Default: fair weather. */
export async function playWeather(story: Story, plans: readonly Planned[] = []): Promise<WeatherRun> {
  const { sky, played, isMet } = createSky(plans);
  const { promise: hung, resolve } = Promise.withResolvers<Error>();
  const timer = setTimeout(resolve, HUNG_MS, new Error("The parts of the story wait for each other."));
  const unhandled = watchUnhandled();
  const end = story.play(sky).catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))));
  const ending = await Promise.race([end, hung]);
  clearTimeout(timer);
  const errors = await unhandled.end();
  const isRepeated = plans.length !== 1 || isMet();
  const lost = new Error("The planned moment did not come: the story is not deterministic.");
  const crashes = errors.map((error): Breach => ({ invariant: "ends", sentence: `unhandled: ${error}` }));
  return { ending, breaches: [...evaluateEnding(isRepeated ? ending : lost, story), ...crashes], played };
}

/** Returns all single runs. */
function listPlans(played: readonly PlayedMoment[], weathers: readonly Weather[]): readonly (readonly Planned[])[] {
  return played.flatMap(({ moment, answer }, index) => {
    const fitting = weathers.filter((weather) => weather.fits(moment, answer));
    const operations = played.slice(index + 1).map((each) => each.moment.operation);
    // Between a decision and its write nothing arrives that the decision could know.
    const following = [...new Set(operations)].filter((operation) => !operation.startsWith("store."));
    return fitting.flatMap((weather) => {
      const afters = weather.isLater === true && following.length > 0 ? following : [undefined];
      return afters.map((after) => [{ at: moment.at, weather, after }]);
    });
  });
}

function choosePlans(
  plans: readonly (readonly Planned[])[],
  played: readonly PlayedMoment[],
  moments: "first" | "sampled" | "all",
): readonly (readonly Planned[])[] {
  if (moments === "all") return plans;
  const chosen = new Set<string>();
  for (const all of Map.groupBy(played, ({ moment }) => moment.operation).values()) {
    const phases = new Set<string>();
    for (const [index, { moment, phase }] of all.entries()) {
      const isSample = index === 1 || index === all.length - 1 || !phases.has(phase);
      phases.add(phase);
      if (index === 0 || (moments === "sampled" && isSample)) chosen.add(moment.at);
    }
  }
  return plans.filter((plan) => plan.every(({ at }) => chosen.has(at)));
}

/** Draws runs with two weathers each, the same ones every time. */
function drawPairs(plans: readonly (readonly Planned[])[], count: number): readonly (readonly Planned[])[] {
  const random = createRandom(1);
  const draw = () => plans[Math.floor(random() * plans.length)] ?? [];
  return Array.from({ length: Math.min(count, plans.length ** 2) }, () => [...draw(), ...draw()]);
}

function spread(plans: readonly (readonly Planned[])[], count: number): readonly (readonly Planned[])[] {
  if (plans.length <= count) return plans;
  return Array.from({ length: count }, (_, index) => plans[Math.floor((index * plans.length) / count)] ?? []);
}

function countMoments(played: readonly PlayedMoment[]): Record<string, number> {
  const groups = Map.groupBy(played, ({ moment }) => moment.operation);
  return Object.fromEntries([...groups].map(([operation, all]) => [operation, all.length]));
}

function toRunText({ at, weather, after }: Planned): string {
  return [at, weather.name, ...(after === undefined ? [] : [after])].map((each) => JSON.stringify(each)).join(" ");
}

function toPlace(plans: readonly Planned[]): string {
  const places = plans.map(({ at, weather, after }) => {
    return `${weather.name} at ${at.replace(/#\d+$/, "")}${after === undefined ? "" : ` after ${after}`}`;
  });
  return places.join(AND);
}
