import type { WeatherInvariant } from "./invariants.ts";
import type { Ending, Story, Truth } from "./story.ts";

/** One invariant that an ending breaks, with a sentence. */
export interface Breach {
  readonly invariant: WeatherInvariant;
  readonly sentence: string;
}

/** Returns the invariants that the end of a story breaks; an error is a story that does not end. */
export function evaluateEnding(ending: Ending | Error, { repeatable = [] }: Pick<Story, "repeatable"> = {}): Breach[] {
  if (ending instanceof Error) return [breach("ends", ending.message)];
  const { verdict, truth, begun, ended, left, foreign, views, untrue: told = [] } = ending;
  const twice = Object.entries(begun).filter(([name, times]) => times > 1 && !repeatable.includes(name));
  const untrue = Object.entries(views).filter(([, shown]) => contradicts(shown, truth));
  return [
    ...twice.map(([name, times]) => breach("once", `${name} began ${times} times`)),
    ...ended.map((what) => breach("in work", `ended ${what}`)),
    ...(contradicts(verdict, truth) ? [breach("true", `the verdict is ${verdict}, the truth is ${truth}`)] : []),
    ...left.map((what) => breach("left", what)),
    ...foreign.map((what) => breach("foreign", what)),
    ...untrue.map(([view, shown]) => breach("views", `${view} shows ${shown}, the truth is ${truth}`)),
    ...told,
  ];
}

function breach(invariant: WeatherInvariant, sentence: string): Breach {
  return { invariant, sentence };
}

/** Failed and unfinished work are not distinguished: a refused start is both. */
function contradicts(shown: Truth | "unknown", truth: Truth): boolean {
  return shown !== "unknown" && (shown === "succeeded") !== (truth === "succeeded");
}
