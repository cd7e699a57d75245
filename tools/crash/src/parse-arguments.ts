import { parseArgs } from "node:util";

/** What is to be tormented, and for how long. */
export interface CrashArguments {
  readonly store: "sqlite" | "postgres";
  readonly stacks: number;
  /** Of each stack. */
  readonly transitions: number;
  readonly kills: number;
  readonly minutes: number;
  /** These four on Postgres. */
  readonly everyMs: number;
  readonly freezeMs: number;
  readonly engines: number;
  readonly workers: number;
}

/** Asked for something that there is not. */
export interface CrashRefusal {
  readonly refusal: string;
}

export const HELP = `Kills and freezes the processes of a yard until every stack has finished, and counts what was lost. Exits with 0 if nothing was lost.

  --store sqlite|postgres   sqlite: one process that is killed. postgres: several, and the database too, are killed or
                            frozen. Default: sqlite
  --stacks N                Default: 500 (postgres: 1000)
  --transitions N           Of each stack. Default: 20
  --kills N                 Kills, on Postgres kills and freezes, after which all are left alone. Default: 100
  --minutes N               Gives up after so long. Default: 10
  --every MS                On Postgres: one victim each so many milliseconds. Default: 1000
  --freeze MS               On Postgres: the longest freeze; leases last 1000. Default: 3000
  --engines N, --workers N  On Postgres: processes. Default: 2 and 3
`;

const text = { type: "string" } as const;
const OPTIONS = {
  help: { type: "boolean" },
  store: text,
  stacks: text,
  transitions: text,
  kills: text,
  minutes: text,
  every: text,
  freeze: text,
  engines: text,
  workers: text,
} as const;

/** Reads the arguments. */
export function parseArguments(args: readonly string[]): CrashArguments | CrashRefusal | "help" {
  try {
    const { values } = parseArgs({ args: [...args], options: OPTIONS });
    if (values.help === true) return "help";
    const { store = "sqlite" } = values;
    if (store !== "sqlite" && store !== "postgres") {
      return { refusal: `Unknown store "${store}". Valid stores: sqlite, postgres.` };
    }
    return toArguments(store, values);
  } catch (error) {
    return { refusal: error instanceof Error ? error.message : String(error) };
  }
}

type Counts = Readonly<Partial<Record<Exclude<keyof typeof OPTIONS, "help" | "store">, string>>>;

function toArguments(store: CrashArguments["store"], given: Counts): CrashArguments {
  const count = (name: keyof Counts, standard: number, least = 1): number => {
    const found = given[name] ?? String(standard);
    if (/^[0-9]{1,9}$/.test(found) && Number(found) >= least) return Number(found);
    throw new TypeError(`--${name} takes a whole number from ${least} on, not "${found}".`);
  };
  return {
    store,
    stacks: count("stacks", store === "sqlite" ? 500 : 1_000),
    transitions: count("transitions", 20),
    // None: to see what the same work is without.
    kills: count("kills", 100, 0),
    minutes: count("minutes", 10),
    everyMs: count("every", 1_000),
    freezeMs: count("freeze", 3_000),
    engines: count("engines", 2),
    workers: count("workers", 3),
  };
}
