import { parseFunctionName } from "./function-name.ts";
import type { LocalFunction } from "./local-function.ts";

/** The local function that a task means: by the very text, else by the name without account, region and alias. */
export function findFunction(functions: ReadonlyMap<string, LocalFunction>, text: string): LocalFunction | undefined {
  return functions.get(text) ?? functions.get(parseFunctionName(text).name);
}

/** For messages: which functions are served here, and which one was probably meant. */
export function toServedText(functions: ReadonlyMap<string, LocalFunction>, text: string): string {
  const names = [...functions.keys()];
  if (names.length === 0) return 'No function is served locally; name some in the option "functions".';
  const nearest = findNearest(parseFunctionName(text).name, names);
  const list = names.map((name) => `"${name}"`).join(", ");
  return `Served locally: ${list}.${nearest === undefined ? "" : ` Did you mean "${nearest}"?`}`;
}

function findNearest(name: string, names: readonly string[]): string | undefined {
  const ranked = names
    .map((candidate) => ({ candidate, distance: toDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= Math.max(1, Math.floor(name.length / 3)) ? best.candidate : undefined;
}

/** Levenshtein; names are at most 140 characters in Lambda, and longer ones are cut. */
function toDistance(from: string, to: string): number {
  let last = Array.from({ length: Math.min(to.length, 140) + 1 }, (_, column) => column);
  for (const [row, char] of [...from.slice(0, 140)].entries()) {
    const next = [row + 1];
    for (let column = 1; column < last.length; column++) {
      const swap = (last[column - 1] ?? 0) + (char === to[column - 1] ? 0 : 1);
      next[column] = Math.min(swap, (last[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1);
    }
    last = next;
  }
  return last.at(-1) ?? 0;
}
