import { type ExecutorContext, formatNames } from "@stackyard/core";
import { SourceFailure } from "./source-failure.ts";

/** What earlier runs leave in a source, and is not part of it. */
export interface Leftovers {
  /** What is reported, for people: `states`. */
  readonly what: string;
  /** Returns true for the name of a folder or file that is skipped, with all that is in it. */
  isSkipped(name: string): boolean;
  /** Returns true for the name of a file that is not copied, and reported. */
  isReported(name: string): boolean;
}

/** Decides by their names which files of a source are copied. */
export type Choice = Pick<Leftovers, "isSkipped" | "isReported">;

/** Returns the choice of a source. The folder of the yard itself is never a part of one: it may hold secrets. */
export function toChoice(leftovers: Leftovers | undefined): Choice {
  return {
    isSkipped: (name) => name === ".stackyard" || leftovers?.isSkipped(name) === true,
    isReported: (name) => leftovers?.isReported(name) === true,
  };
}

/** More names would hide the sentence. */
const MAX_NAMED = 20;

/** Reports the files that a source has, and its copy does not. */
export function reportLeftOut(
  { report }: Pick<ExecutorContext, "report">,
  paths: readonly string[],
  leftovers: Leftovers | undefined,
): void {
  if (paths.length === 0) return;
  const what = leftovers === undefined ? "" : `${leftovers.what}, `;
  report(`Not copied from the source, as ${what}broken links or special files: ${formatNames(paths, MAX_NAMED)}`);
}

/** A source is a folder to work in, not an archive: more than this is a mistake in its path. */
const MAX_FILES = 10_000;
const MAX_BYTES = 512 * 1024 * 1024;

/** Counts files and bytes. */
export type Budget = (bytes: number) => void;

/** Creates the budget of a source, which fails as refused above the limit. */
export function createBudget(source: string): Budget {
  let files = 0;
  let total = 0;
  return (bytes) => {
    files += 1;
    total += bytes;
    if (files <= MAX_FILES && total <= MAX_BYTES) return;
    const limits = `${MAX_FILES} files or ${MAX_BYTES / 1024 / 1024} MiB`;
    throw new SourceFailure("refused", `The source ${source} has more than ${limits}. Name the folder that is needed.`);
  };
}
