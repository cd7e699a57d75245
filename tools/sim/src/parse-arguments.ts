import { parseArgs } from "node:util";
import { defined } from "@stackyard/core";

/** What is to be simulated. */
export interface SimArguments {
  readonly from: number;
  readonly seeds: number;
  /** No new seed begins after so many seconds. */
  readonly seconds: number;
  readonly json: boolean;
  /** Each step of each run. */
  readonly trace: boolean;
  /** A bug to plant into the store. */
  readonly bug?: string;
}

/** Asked for help, or for something that there is not. */
export interface SimRefusal {
  readonly refusal: string;
}

export const HELP = `npm run sim -- [--seeds N] [--from S] [--seed S] [--seconds N] [--json] [--trace] [--bug NAME]

Runs engines and workers in virtual time under crashes, lost and repeated messages, late answers and skewed clocks, and
checks after each step that what Stackyard promises holds. The same seed gives the same run.

  --seeds N     how many seeds; default 1000
  --from S      the first of them; default 1
  --seed S      this seed alone
  --seconds N   begin no new seed after so many seconds
  --json        one object a line: each failing seed with its plan, at the end the summary
  --trace       each step, as it is done
  --bug NAME    plant a bug into the store, to see that it is found: `;

const OPTIONS = {
  seeds: { type: "string" },
  from: { type: "string" },
  seed: { type: "string" },
  seconds: { type: "string" },
  json: { type: "boolean" },
  trace: { type: "boolean" },
  bug: { type: "string" },
  help: { type: "boolean" },
} as const;

const DEFAULT_SEEDS = 1_000;

/** Reads the arguments; `bugs`: names of bugs that can be planted. */
export function parseArguments(args: readonly string[], bugs: readonly string[]): SimArguments | SimRefusal | "help" {
  try {
    const { values } = parseArgs({ args: [...args], options: OPTIONS });
    if (values.help === true) return "help";
    const { bug, json = false, trace = false } = values;
    if (bug !== undefined && !bugs.includes(bug)) {
      return { refusal: `Unknown bug "${bug}". Valid bugs: ${bugs.join(", ")}.` };
    }
    const one = parseCount(values.seed, "seed");
    return {
      from: one ?? parseCount(values.from, "from") ?? 1,
      seeds: one === undefined ? (parseCount(values.seeds, "seeds") ?? DEFAULT_SEEDS) : 1,
      seconds: parseCount(values.seconds, "seconds") ?? Number.POSITIVE_INFINITY,
      json,
      trace,
      ...defined({ bug }),
    };
  } catch (error) {
    return { refusal: error instanceof Error ? error.message : String(error) };
  }
}

function parseCount(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  if (/^[0-9]{1,9}$/.test(text)) return Number(text);
  throw new TypeError(`--${name} takes a whole number, not "${text}".`);
}
