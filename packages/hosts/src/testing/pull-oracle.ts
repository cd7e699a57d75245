import fc from "fast-check";

type State = "LIVE" | "REVIEW" | "ROLL" | "DRIFT" | "ASLEEP" | "GONE";
type Verdict = "pending" | "parked" | "refused" | "failed" | "done" | "replaced" | "ended";

/** Events of the stack, by the states in which they mean something, and where they lead. */
const MOVES: Readonly<Record<string, readonly [from: State, to: State, verdict?: Verdict]>> = {
  approve: ["REVIEW", "ROLL"],
  reject: ["REVIEW", "LIVE", "failed"],
  succeed: ["ROLL", "LIVE", "done"],
  fail: ["ROLL", "LIVE", "failed"],
  abort: ["ROLL", "LIVE", "failed"],
  check: ["LIVE", "DRIFT"],
  look: ["DRIFT", "LIVE"],
  lookFails: ["DRIFT", "LIVE"],
  sleep: ["LIVE", "ASLEEP"],
  wake: ["ASLEEP", "LIVE"],
};

/** What a pull request must look like. */
export interface Oracle {
  readonly number: number;
  state: State;
  /** The commit whose run is the last one. */
  current: number;
  running: number | undefined;
  readonly verdicts: Map<number, Verdict>;
}

/** Returns a pull request whose first commit is rolled out. */
export function aPull(number: number, commit: number): Oracle {
  return { number, state: "ROLL", current: commit, running: undefined, verdicts: new Map([[commit, "pending"]]) };
}

/** Begins the run of a commit; one that is under way is replaced. */
function begin(pull: Oracle, commit: number): void {
  if (pull.verdicts.get(pull.current) === "pending") pull.verdicts.set(pull.current, "replaced");
  pull.verdicts.set(commit, "pending");
  pull.current = commit;
  pull.state = "REVIEW";
}

/** Applies one of the events that the stack handles, and returns its name. Undefined: it handles none. */
export function move(pull: Oracle, choice: number): string | undefined {
  const handled = Object.entries(MOVES).filter(([, [from]]) => from === pull.state);
  const [name, [, to, verdict] = []] = handled[choice % handled.length] ?? [];
  pull.state = to ?? pull.state;
  if (verdict !== undefined) pull.verdicts.set(pull.current, verdict);
  if (verdict === "done") pull.running = pull.current;
  if (name === "wake") beginParked(pull);
  // The machine sets the one that runs, which runs on.
  if (name === "abort" && pull.running !== undefined) pull.current = pull.running;
  return name;
}

/** Begins the run of the commit that runs, as the machine sets it again. Returns false where that changes nothing. */
export function restore(pull: Oracle): boolean {
  const { state, running, current, verdicts } = pull;
  const isThere = running === current && verdicts.get(current) === "done";
  if (state !== "LIVE" || running === undefined || isThere) return false;
  begin(pull, running);
  return true;
}

/** Begins the run of an earlier commit by hand, and returns it. Undefined: the stack handles that not now, or has none. */
export function bringBack(pull: Oracle, choice: number): number | undefined {
  const others = [...pull.verdicts].filter(
    ([commit, verdict]) => commit !== pull.current && verdict !== "refused" && verdict !== "parked",
  );
  const [commit] = others[choice % others.length] ?? [];
  if (pull.state !== "LIVE" || commit === undefined) return undefined;
  begin(pull, commit);
  return commit;
}

/** What came in its sleep follows in its order. */
function beginParked(pull: Oracle): void {
  for (const [commit, verdict] of pull.verdicts) if (verdict === "parked") begin(pull, commit);
}

/** Brings the newest head again that was refused, now that it is allowed; in its sleep it would only be parked. */
export function sendAgain(pull: Oracle): void {
  const newest = Math.max(...pull.verdicts.keys());
  if (pull.state !== "GONE" && pull.state !== "ASLEEP" && pull.verdicts.get(newest) === "refused")
    bring(pull, newest, true);
}

/** Brings a head that the yard allows or refuses. */
export function bring(pull: Oracle, commit: number, isAllowed: boolean): void {
  if (!isAllowed) pull.verdicts.set(commit, "refused");
  else if (pull.state === "ASLEEP") pull.verdicts.set(commit, "parked");
  else begin(pull, commit);
}

/** Returns true if an event waits for the end of a sleep. */
export function hasParked({ verdicts }: Oracle): boolean {
  return [...verdicts.values()].includes("parked");
}

/** What is parked is decided again, and refused. */
export function refuseParked(pull: Oracle): void {
  for (const [commit, verdict] of pull.verdicts) if (verdict === "parked") pull.verdicts.set(commit, "refused");
}

/** Ends the stack; what was under way is dropped. */
export function end(pull: Oracle): void {
  refuseParked(pull);
  pull.state = "GONE";
  pull.running = undefined;
  if (pull.verdicts.get(pull.current) === "pending") pull.verdicts.set(pull.current, "ended");
}

const CHECKS: Readonly<Record<Verdict, string>> = {
  pending: "in_progress",
  parked: "in_progress",
  refused: "failure",
  failed: "failure",
  done: "success",
  replaced: "cancelled",
  ended: "cancelled",
};

/**
 * Something that happens to a stack. `thaw`: a worker that was frozen ends a run that the stack has left. `back`: a
 * person sends an earlier commit. `restore`: the machine sets the one that runs.
 */
export type ChoiceStep = {
  readonly kind: "move" | "thaw" | "back" | "restore";
  readonly pull: number;
  readonly choice: number;
};
/** Something that happens to a pull request; the delivery about it may get lost. */
export type PullStep =
  | { readonly kind: "push" | "close"; readonly pull: number; readonly isLost: boolean }
  | ChoiceStep;
/**
 * Something that happens to the yard or the repository. `rehost`: the host gets another name in the options, while a
 * report may be due. `refile`: the document does. `blind`, `see`: reports stop and continue.
 */
export type GeneralStep = {
  readonly kind: "forbid" | "allow" | "rename" | "rehost" | "refile" | "freeze" | "compare" | "blind" | "see";
};
/** A step of a life. */
export type Step = PullStep | GeneralStep;

const pull = fc.integer({ min: 0, max: 1 });
/** Steps that may or may not mean something at their time. */
export const pullSteps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("push" as const), pull, isLost: fc.boolean() }) },
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant("move" as const),
        pull,
        choice: fc.nat({ max: 11 }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constantFrom("thaw" as const, "back" as const, "restore" as const),
        pull,
        choice: fc.nat({ max: 3 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("close" as const), pull, isLost: fc.boolean() }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constantFrom<GeneralStep["kind"]>(
          "forbid",
          "allow",
          "rename",
          "rehost",
          "refile",
          "freeze",
          "compare",
          "blind",
          "see",
        ),
      }),
    },
  ),
  { minLength: 4, maxLength: 10 },
);

/** Returns the id of a commit. */
export function toHead(commit: number): string {
  return commit.toString(16).padStart(2, "0").repeat(20);
}

/** What a host shows: the newest check of each commit, and the commits whose deployment is a success. */
export interface Shown {
  readonly checks: Readonly<Record<string, unknown>>;
  readonly active: readonly string[];
}

/** Returns what the host must show. */
export function toShown(pulls: readonly Oracle[]): Shown {
  const verdicts = pulls.flatMap((each) => [...each.verdicts]);
  return {
    checks: Object.fromEntries(verdicts.map(([commit, verdict]) => [toHead(commit), CHECKS[verdict]])),
    active: pulls
      // One that is rolled out again is not a success before that has ended.
      .flatMap(({ running, verdicts: own }) =>
        running !== undefined && own.get(running) === "done" ? [toHead(running)] : [],
      )
      .toSorted(),
  };
}

/** Whether reports have seen all that has happened. */
export type Sight = "whole" | "none" | "partial";

interface Compared {
  readonly seen: Shown;
  readonly expected: Shown;
}

/** Returns what must be equal. After a time without reports, whatever was not seen meanwhile: no success that is none. */
export function toCompared(sight: Sight, { seen, expected }: Compared): Compared {
  if (sight === "whole") return { seen, expected };
  if (sight === "none") return { seen, expected: seen };
  const checks = Object.entries(expected.checks).map(([head, check]) => {
    const shown = seen.checks[head];
    return [head, check !== "success" && shown === "success" ? check : shown] as const;
  });
  return { seen, expected: { checks: Object.fromEntries(checks), active: seen.active } };
}
