import { describe, expect, it } from "vitest";
import { aMachine, anEvent, aStack, play, toApplied } from "../../testing/builders.ts";
import { decide, decideWithoutMachine, followDecision, formatUnknownMachine, machineNameFor } from "./decide.ts";
import { isOperators, isParked, isParkedCode, type RefusalCode } from "./decision.ts";

const machine = aMachine({ IDLE: { on: {}, tasks: [] } });
const app = aMachine({
  INIT: { on: { OPENED: ["BUILD"] } },
  BUILD: { tasks: ["network", "db"], on: { NEXT: ["LIVE"], END: ["ENDED"] } },
  LIVE: {},
  ENDED: { terminal: true },
});

describe("decide", () => {
  it("rejects an event that the state does not handle, and names both", () => {
    const decision = decide(machine, aStack({ state: "IDLE" }), anEvent("LAUNCH"));

    expect(decision).toEqual({ kind: "rejected", code: "EVENT_NOT_HANDLED", reason: '"IDLE" has no "LAUNCH".' });
  });

  it("creates a stack, enters a state and sends its tasks", () => {
    const decision = decide(app, undefined, anEvent("OPENED", { machine: "review-app", metadata: { sha: "a1" } }));

    const run = { entry: 1, attempt: 1, executor: "lambda", cancelWithinMs: 300_000 };
    const idOf = (task: string) => `pr-12/event-1/1/${task}/1`;
    const tasks = [
      { name: "network", status: "PENDING" },
      { name: "db", status: "PENDING" },
    ];
    const shown = { id: "pr-12", previousState: "INIT", machine: "review-app", _state: "BUILD", tasks };
    expect(decision).toEqual({
      kind: "applied",
      stack: {
        id: "pr-12",
        machine: "review-app",
        machineHash: "0".repeat(64),
        state: "BUILD",
        previousState: "INIT",
        tasks,
        metadata: { sha: "a1" },
        createdAt: 1_000,
        updatedAt: 1_000,
        enteredAt: 1_000,
        incarnation: "event-1",
        entry: 1,
        attempts: { network: 1, db: 1 },
        runs: ["network", "db"].map((task) => ({ ...run, task, attemptId: idOf(task), dispatchedAt: 1_000 })),
        timers: [],
        automaticEntries: [],
        deed: "event-1",
        deeds: { "event-1": { event: "OPENED", at: 1_000, keys: { sha: "e4973d8f15475ab9" } } },
      },
      removed: false,
      dispatches: ["network", "db"].map((task) => ({
        ...run,
        task,
        attemptId: idOf(task),
        stackId: "pr-12",
        incarnation: "event-1",
        timeoutMs: 86_400_000,
        again: false,
        message: {
          task: { executor: "lambda", config: { name: task }, name: task },
          stack: { ...shown, metadata: { sha: "a1" } },
          dispatch: { id: idOf(task), attempt: 1, deadline: "1970-01-02T00:00:01.000Z" },
        },
      })),
      cancels: [],
      endedAttempts: [],
      notes: [],
    });
  });

  it("keeps what an event does not concern, and notes the revision and the instant", () => {
    const newer = { ...app, hash: "1".repeat(64) };
    const opened = play(app, anEvent("OPENED"));

    const { stack } = toApplied(
      decide(newer, opened, anEvent("RETRY_FAILED_TASKS", { at: 9_000, metadata: { k: 1 } })),
    );

    expect(stack).toEqual({ ...opened, machineHash: newer.hash, updatedAt: 9_000, metadata: { k: 1 } });
  });

  it("removes a stack at once in a terminal state without tasks, and notes which runs are left", () => {
    const opened = play(app, anEvent("OPENED"));

    const { removed, stack, cancels, notes } = toApplied(decide(app, opened, anEvent("END")));

    expect([removed, stack.state, cancels]).toEqual([true, "ENDED", []]);
    expect(notes).toEqual([
      'Left running: task "network" of entry 1, attempt 1.',
      'Left running: task "db" of entry 1, attempt 1.',
    ]);
  });

  it("creates and removes a stack in the same event", () => {
    const short = aMachine({ INIT: { terminal: true, tasks: ["tidy"], on: { GO: [] } } });

    const decision = toApplied(decide(short, undefined, anEvent("GO", { machine: "review-app" })));

    expect([decision.removed, decision.stack.tasks]).toEqual([true, []]);
  });

  it("refuses an event with its metadata and all", () => {
    const decision = decide(app, aStack(), anEvent("END", { metadata: { k: 1 } }));

    expect(decision).toEqual({ kind: "rejected", code: "EVENT_NOT_HANDLED", reason: '"INIT" has no "END".' });
  });

  it.each([
    ["EVENT_UNDECLARED", "PUSHED", 'Machine "review-app" declares no event "PUSHED".'],
    ["EVENT_UNDECLARED", "constructor", 'Machine "review-app" declares no event "constructor".'],
    ["EVENT_RESERVED", "FAILED", '"FAILED" is sent by the engine only.'],
    ["EVENT_RESERVED", "TIMEOUT", '"TIMEOUT" is sent by the engine only.'],
    ["EVENT_NOT_HANDLED", "NEXT", '"INIT" has no "NEXT".'],
  ])("refuses with %s the event %s, before it checks metadata", (code, name, reason) => {
    const metadata = code === "EVENT_NOT_HANDLED" ? {} : { bad: [] };

    expect(decide(app, aStack(), anEvent(name, { metadata }))).toEqual({ kind: "rejected", code, reason });
  });

  it("refuses metadata that is not flat before it evaluates the reaction", () => {
    expect(decide(app, aStack(), anEvent("END", { metadata: null }))).toEqual({
      kind: "rejected",
      code: "METADATA_NOT_FLAT",
      reason: "The metadata must be a flat map, not null.",
    });
  });

  it("takes an event called TIMEOUT in a machine that declares it", () => {
    const old = aMachine({ INIT: { on: { TIMEOUT: ["LIVE"] } }, LIVE: {} }, { events: ["TIMEOUT"] });

    expect(play(old, anEvent("TIMEOUT")).state).toBe("LIVE");
  });

  it("refuses every event while the machine lacks the stack's state, or INIT for a new one", () => {
    expect(decide(app, aStack({ state: "GONE" }), anEvent("OPENED"))).toEqual({
      kind: "rejected",
      code: "STATE_UNKNOWN",
      reason: 'Machine "review-app" has no state "GONE".',
    });
    expect(decide(machine, undefined, anEvent("LAUNCH", { machine: "review-app" }))).toEqual({
      kind: "rejected",
      code: "STATE_UNKNOWN",
      reason: 'Machine "review-app" has no state "INIT".',
    });
  });

  it("resolves no built-in for a state's reaction or a task", () => {
    const odd = aMachine(
      { INIT: { on: { GO: ["A"] } }, A: { tasks: ["constructor", "__proto__"] } },
      { events: ["toString"] },
    );

    const { stack } = toApplied(decide(odd, aStack(), anEvent("GO")));

    expect(decide(odd, aStack(), anEvent("toString")).kind).toBe("rejected");
    expect(stack.runs.map(({ attemptId }) => attemptId)).toEqual([
      "pr-12/event-0/1/constructor/1",
      "pr-12/event-0/1/__proto__/1",
    ]);
    expect(JSON.stringify(stack.attempts)).toBe('{"constructor":1,"__proto__":1}');
  });
});

describe("decideWithoutMachine", () => {
  const unknown = { kind: "ignored", code: "STACK_UNKNOWN", reason: 'Unknown stack "pr-12".' };

  it("ignores an event of an unknown stack that names no machine", () => {
    const reason = 'Unknown stack "pr-12". Name the machine of a new one.';
    expect(decideWithoutMachine(undefined, anEvent("OPENED"))).toEqual({ ...unknown, reason });
    expect(decide(app, undefined, anEvent("TASK_COMPLETED", { task: { name: "db" } }))).toEqual(unknown);
  });

  it.each(["REMOVE_STACK", "UPGRADE_STACK", "ACKNOWLEDGE_FAILURE"])("never begins a stack for %s", (name) => {
    const event = anEvent(name, { machine: "review-app", force: true, reason: "x" });

    expect(decideWithoutMachine(undefined, event)).toEqual(unknown);
  });

  it("refuses an event that names another machine than the stack's", () => {
    expect(decide(app, aStack(), anEvent("OPENED", { machine: "sandbox" }))).toEqual({
      kind: "rejected",
      code: "MACHINE_MISMATCH",
      reason: 'Stack "pr-12" belongs to "review-app", not to "sandbox".',
    });
  });

  it("removes a stack whose machine is lost", () => {
    const event = anEvent("REMOVE_STACK", { force: true, reason: "lost" });

    expect(decideWithoutMachine(aStack({ state: "GONE" }), event)).toMatchObject({ kind: "applied", removed: true });
  });

  it("leaves all else to the machine", () => {
    expect(decideWithoutMachine(aStack(), anEvent("OPENED", { machine: "review-app" }))).toBeUndefined();
    expect(decideWithoutMachine(undefined, anEvent("OPENED", { machine: "review-app" }))).toBeUndefined();
  });
});

describe("machineNameFor", () => {
  it("is the stack's machine, else the one that the event names", () => {
    expect(machineNameFor(aStack(), anEvent("GO", { machine: "other" }))).toBe("review-app");
    expect(machineNameFor(undefined, anEvent("GO", { machine: "other" }))).toBe("other");
    expect(machineNameFor(undefined, anEvent("GO"))).toBeUndefined();
  });
});

describe("followDecision", () => {
  const machine = aMachine({
    INIT: { on: { GO: ["BUILD"] } },
    BUILD: { tasks: ["db"], on: { LEAVE: ["REST"], END: ["ENDED"] }, after: [{ inMs: 1_000, event: "SLEEP" }] },
    REST: {},
    ENDED: { terminal: true },
  });

  const built = play(machine, anEvent("GO"));

  it("gives the stack that was decided, and none when it was removed", () => {
    const decision = decide(machine, built, anEvent("LEAVE"));

    expect(followDecision(built, decision)?.state).toBe("REST");
    expect(followDecision(built, decide(machine, built, anEvent("END")))).toBeUndefined();
  });

  it("ends the run that an answer without effect closes", () => {
    const left = play(machine, anEvent("GO"), anEvent("LEAVE"));
    const late = anEvent("TASK_COMPLETED", { dispatchId: left.runs[0]?.attemptId ?? "", origin: "worker" });

    const decision = decide(machine, left, late);

    expect([decision.kind, left.runs.length, followDecision(left, decision)?.runs]).toEqual(["ignored", 1, []]);
  });

  it("leaves other stacks unchanged, and unknown ones undefined", () => {
    const refused = decide(machine, built, anEvent("NEXT"));

    expect(followDecision(built, refused)).toBe(built);
    expect(followDecision(undefined, refused)).toBeUndefined();
    expect(followDecision(aStack(), { kind: "ignored", code: "DUPLICATE", reason: "" })).toEqual(aStack());
  });
});

const MACHINES_FAULT: readonly RefusalCode[] = [
  "STATE_UNKNOWN",
  "MACHINE_UNKNOWN",
  "MACHINE_INVALID",
  "PATTERN_NOT_LINEAR",
];
const PARKED: readonly RefusalCode[] = [...MACHINES_FAULT, "EVENT_NOT_HANDLED", "EXPRESSION_FAILED"];
const OTHERS: readonly RefusalCode[] = [
  "EVENT_INVALID",
  "EVENT_RESERVED",
  "EVENT_UNDECLARED",
  "EVENT_METADATA_REQUIRED",
  "METADATA_NOT_FLAT",
  "METADATA_INVALID",
  "METADATA_TOO_LARGE",
  "MACHINE_MISMATCH",
  "CONFIRMATION_REQUIRED",
  "NOT_ALLOWED",
  "TASK_NOT_CURRENT",
  "TASK_NOT_RUNNING",
  "UPGRADE_STATE_MISSING",
  "UPGRADE_TASK_UNKNOWN",
  "APPROVAL_CLOSED",
  "APPROVAL_REPEATED",
  "COMMENT_REQUIRED",
];
const CODES = [...PARKED, ...OTHERS];

describe("isParkedCode", () => {
  it("is true for what a later state, machine or revision may lift", () => {
    expect(CODES.filter(isParkedCode)).toEqual(PARKED);
  });
});

describe("isParked", () => {
  it("keeps events from outside for each of these codes", () => {
    expect(CODES.filter((code) => isParked(anEvent("LAUNCH"), code))).toEqual(PARKED);
  });

  it.each([
    anEvent("TASK_COMPLETED"),
    anEvent("TASK_ERROR"),
    anEvent("TASK_CANCELLED"),
    anEvent("TASK_TIMED_OUT"),
    anEvent("NIGHT", { origin: "timer", timerId: "1/cron/0 3 * * * UTC" }),
  ])("keeps results and occurrences of a schedule only where the machine is at fault: $name", (event) => {
    expect(CODES.filter((code) => isParked(event, code))).toEqual(MACHINES_FAULT);
  });

  it.each(["1/after/72h CLOSE", "1/at/metadata.until CLOSE", "1/timeout"])(
    "keeps the event of the timer %s as one from outside: no one else sends it",
    (timerId) => {
      const event = anEvent("CLOSE", { origin: "timer", timerId });

      expect(CODES.filter((code) => isParked(event, code))).toEqual(PARKED);
    },
  );

  it.each(["RETRY_FAILED_TASKS", "RETRY_PENDING_TASKS", "CANCEL_TASK", "SETTLE_TASK", "REMOVE_STACK", "UPGRADE_STACK"])(
    "never keeps %s, whose sender gets the code",
    (name) => {
      expect(CODES.filter((code) => isParked(anEvent(name), code))).toEqual([]);
    },
  );
});

describe("an event about an approval", () => {
  it("is kept only where a machine declares an event of its name, and refuses it as such", () => {
    for (const name of ["APPROVE_TASK", "REJECT_TASK", "WITHDRAW_APPROVAL"]) {
      expect(CODES.filter((code) => isParked(anEvent(name), code))).toEqual(["EVENT_NOT_HANDLED", "EXPRESSION_FAILED"]);
      expect(CODES.filter((code) => !isOperators(anEvent(name), code))).toEqual([
        "EVENT_NOT_HANDLED",
        "EXPRESSION_FAILED",
        "EVENT_METADATA_REQUIRED",
        "METADATA_INVALID",
        "CONFIRMATION_REQUIRED",
      ]);
    }
  });
});

describe("formatUnknownMachine", () => {
  it("names the known machine that is near, if there is one", () => {
    expect(formatUnknownMachine("revew-app", ["sandbox", "review-app"])).toBe(
      'Unknown machine "revew-app". Did you mean "review-app"?',
    );
    expect(formatUnknownMachine("other", ["sandbox", "review-app"])).toBe('Unknown machine "other".');
    expect(formatUnknownMachine("other", [])).toBe('Unknown machine "other".');
  });
});
