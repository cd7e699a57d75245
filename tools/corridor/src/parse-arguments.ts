import { parseArgs } from "node:util";

/** The arguments of `npm run corridor`. */
export interface CorridorArguments {
  /** The event is published in the process, without the HTTP API. */
  readonly direct: boolean;
  readonly json: boolean;
  /** More files than these are a failure. */
  readonly max?: number;
}

export const HELP = `Counts the source files of packages/*/src that run for one trivial event on SQLite: sent over HTTP, decided, its
one task executed, the result applied.

npm run corridor [-- --direct] [--json] [--max N]

  --direct   publish the event without the HTTP API
  --json     print { total, files: [{ package, path, lines, functions }] }
  --max N    exit with 1 when more than N files run
  --help     this text

Exit codes: 0 done, 1 more than --max files or the event did not run, 64 usage.
`;

/** Reads the arguments. A refusal is one sentence for the person who typed them. */
export function parseArguments(args: readonly string[]): CorridorArguments | "help" | { readonly refusal: string } {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        direct: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        max: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    const { direct, json, max, help } = values;
    if (help) return "help";
    if (max === undefined) return { direct, json };
    return /^\d{1,6}$/.test(max)
      ? { direct, json, max: Number(max) }
      : { refusal: `--max must be a number, not "${max}".` };
  } catch (error) {
    return { refusal: error instanceof Error ? (error.message.split(". ")[0] ?? "") : String(error) };
  }
}
