/** How a command goes on one instance. Times are counted from the step before. */
export interface Outcome {
  /** Until the agent has it. `Infinity`: never. Default: half a second. */
  readonly deliveredAfterMs?: number;
  /** `Infinity`: until the execution time-out. Default: two seconds. */
  readonly runsForMs?: number;
  /** Default: 0. */
  readonly exitCode?: number;
  readonly stdout?: string;
  readonly stderr?: string;
  /** SSM finds at once that it cannot deliver. */
  readonly undeliverable?: boolean;
}

/** What a script may look at. */
export interface OutcomeFacts {
  readonly instanceId: string;
  readonly commandId: string;
  readonly documentName: string;
  readonly parameters: Readonly<Record<string, readonly string[]>>;
  readonly comment: string;
  /** 1 for the first command that the instance gets. */
  readonly count: number;
}

/** An outcome, or what decides on it when the instance's turn comes. */
export type Script = Outcome | ((facts: OutcomeFacts) => Outcome);

/** Scripts by instance; `*` is for all others. */
export interface Scripts {
  /** One for each command on the instance, in order; the last stays. */
  set(instanceId: string, ...scripts: readonly Script[]): void;
  next(facts: Omit<OutcomeFacts, "count">): Outcome;
}

/** No scripts: everything succeeds. */
export function createScripts(): Scripts {
  const scripts = new Map<string, readonly Script[]>();
  const counts = new Map<string, number>();
  return {
    set: (instanceId, ...given) => void scripts.set(instanceId, given),
    next(facts) {
      const count = (counts.get(facts.instanceId) ?? 0) + 1;
      counts.set(facts.instanceId, count);
      const own = scripts.get(facts.instanceId) ?? scripts.get("*") ?? [];
      const script = own[count - 1] ?? own.at(-1) ?? {};
      return typeof script === "function" ? script({ ...facts, count }) : script;
    },
  };
}
