import type { CommandOutput } from "@stackyard/core";
import { MAX_PROBLEMS } from "../document/decode.ts";
import type { ReleaseProblem, ReleaseWarning } from "../document/release-problem.ts";
import { toCell } from "../report/to-cell.ts";

/** Prints everything that is wrong with a release file, in the order of its description. */
export function tellProblems(out: CommandOutput, file: string, problems: readonly ReleaseProblem[]): void {
  const head = `${file}: ${toCount(problems.length)}`;
  out.result({ file, valid: false, problems }, () => [head, ...problems.map(tellProblem)].join("\n"));
}

/** Tells people what had better be changed. */
export function tellWarnings(out: CommandOutput, warnings: readonly ReleaseWarning[]): void {
  for (const { pointer, message } of warnings) out.note(`warning  ${toPlace(pointer)}  ${toCell(message, 1_000)}`);
}

// A document with as many may have more, which nobody was told.
function toCount(length: number): string {
  if (length >= MAX_PROBLEMS) return `at least ${length} problems`;
  return length === 1 ? "1 problem" : `${length} problems`;
}

function tellProblem({ class: name, code, pointer, message }: ReleaseProblem): string {
  return `${name}  ${code}  ${toPlace(pointer)}  ${toCell(message, 1_000)}`;
}

function toPlace(pointer: string): string {
  return pointer === "" ? "(the document)" : toCell(pointer, 200);
}
