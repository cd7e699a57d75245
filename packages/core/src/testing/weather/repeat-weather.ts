import { findNearestName, suggest } from "../../machine/document/wording.ts";
import type { Planned, PlayedMoment } from "./create-sky.ts";
import { playFair, playWeather, type WeatherRun } from "./explore.ts";
import type { OneRun, Story, Weather } from "./story.ts";

/**
 * Plays one run with the named weather, or two of them, as printed with a finding.
 *
 * @throws Error for an unknown weather, moment or later operation, and for a weather that does not fit the moment.
 */
export async function repeatWeather(
  story: Story,
  weathers: readonly Weather[],
  ...named: readonly OneRun[]
): Promise<WeatherRun> {
  const { played } = await playFair(story);
  return playWeather(
    story,
    named.map((run) => toPlan(played, weathers, run)),
  );
}

function toPlan(played: readonly PlayedMoment[], weathers: readonly Weather[], run: OneRun): Planned {
  const names = weathers.map(({ name }) => name);
  const moment = played.find((each) => each.moment.at === run.at);
  // Several services have a weather of one name; each fits its own calls.
  const named = weathers.filter(({ name }) => name === run.weather);
  const weather = named.find((each) => moment !== undefined && each.fits(moment.moment, moment.answer)) ?? named[0];
  if (weather === undefined) throw unknown(`weather "${run.weather}"`, run.weather, names);
  const fault = findRunFault(played, weathers, { ...run, weather });
  if (fault !== undefined) throw fault;
  return { ...run, weather };
}

/** Returns the error of a run that does not exist. */
function findRunFault(
  played: readonly PlayedMoment[],
  weathers: readonly Weather[],
  { at, weather, after }: Planned,
): Error | undefined {
  const index = played.findIndex(({ moment }) => moment.at === at);
  const found = played[index];
  if (found === undefined) return unknown(`moment "${at}"`, at, toNames(played, at));
  if (!weather.fits(found.moment, found.answer)) {
    const fitting = weathers.filter((each) => each.fits(found.moment, found.answer)).map(({ name }) => name);
    return new Error(`"${weather.name}" does not fit ${at}. Weathers that do: ${fitting.join(", ")}.`);
  }
  const later = [...new Set(played.slice(index + 1).map(({ moment }) => moment.operation))];
  if (after === undefined || later.includes(after)) return undefined;
  return unknown(`operation "${after}" after ${at}`, after, later);
}

/** Returns the moments of the operation, or all operations if there are none. */
function toNames(played: readonly PlayedMoment[], at: string): readonly string[] {
  const moments = played.map(({ moment }) => moment.at);
  const near = findNearestName(at, moments);
  const operation = (near ?? at).replace(/#.*$/, "#");
  const ofOperation = moments.filter((each) => each.startsWith(operation));
  return ofOperation.length > 0 ? ofOperation : moments.filter((each) => each.endsWith("#1"));
}

function unknown(what: string, name: string, valid: readonly string[]): Error {
  return new Error(`Unknown ${what}.${suggest(findNearestName(name, valid))} Valid: ${valid.join(", ")}.`);
}
