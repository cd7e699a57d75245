import type { Store } from "@stackyard/core";
import type { Database } from "./database.ts";

type StoreStats = Awaited<ReturnType<Store["stats"]>>;

/** What is counted besides the stacks. */
export type Counted = "queuedEvents" | "queuedTasks" | "parkedEvents" | "setAsideEvents" | "openAttempts";

/** A stack's place in the counts. */
export interface StackPlace {
  readonly machine: string;
  readonly state: string;
}

const TABLES: Readonly<Record<Counted, string>> = {
  queuedEvents: "event_queue",
  queuedTasks: "task_queue",
  parkedEvents: "parked",
  setAsideEvents: "set_aside",
  openAttempts: "attempt where status <> 'settled'",
};

/** The counts of `stats`: made once by counting, at the first question, and kept by the commits from then on. */
export class Tally {
  readonly #database: Database;
  #counts: Record<Counted, number> | undefined;
  readonly #states = new Map<string, StackPlace & { count: number }>();

  constructor(database: Database) {
    this.#database = database;
  }

  add(counted: Counted, delta: number): void {
    if (this.#counts !== undefined) this.#counts[counted] += delta;
  }

  move(from: StackPlace | undefined, to: StackPlace | undefined): void {
    if (this.#counts === undefined) return;
    if (from !== undefined) this.#addState(from, -1);
    if (to !== undefined) this.#addState(to, 1);
  }

  read(): StoreStats {
    this.#counts ??= this.#load();
    const states = [...this.#states.values()].sort(byMachineThenState);
    return { stacks: states.reduce((sum, { count }) => sum + count, 0), ...this.#counts, states };
  }

  #load(): Record<Counted, number> {
    const rows = this.#database.all<StackPlace & { count: number }>(
      "select machine, state, count(*) as count from stack where body is not null group by machine, state",
    );
    for (const row of rows) this.#addState(row, row.count);
    return {
      queuedEvents: this.#count("queuedEvents"),
      queuedTasks: this.#count("queuedTasks"),
      parkedEvents: this.#count("parkedEvents"),
      setAsideEvents: this.#count("setAsideEvents"),
      openAttempts: this.#count("openAttempts"),
    };
  }

  #count(counted: Counted): number {
    return this.#database.get<{ count: number }>(`select count(*) as count from ${TABLES[counted]}`)?.count ?? 0;
  }

  #addState({ machine, state }: StackPlace, delta: number): void {
    const key = JSON.stringify([machine, state]);
    const known = this.#states.get(key) ?? { machine, state, count: 0 };
    if (known.count + delta === 0) this.#states.delete(key);
    else this.#states.set(key, { machine, state, count: known.count + delta });
  }
}

function byMachineThenState(a: StackPlace, b: StackPlace): number {
  return compare(a.machine, b.machine) || compare(a.state, b.state);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
