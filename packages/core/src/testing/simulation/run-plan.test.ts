import { describe, expect, it } from "vitest";
import type { Stack } from "../../machine/stack.ts";
import { ALL_INVARIANTS } from "./invariants/all-invariants.ts";
import { runPlan, runSeed } from "./run-plan.ts";
import type { Fault, PlannedAction, SimulationPlan, WorkStep } from "./simulation-plan.ts";

const go: PlannedAction = { atMs: 0, do: "send", message: { id: "e1", stackId: "s1", event: "GO", machine: "app" } };

function aPlan(overrides: Partial<SimulationPlan> = {}): SimulationPlan {
  return {
    seed: 1,
    leaseMs: 5_000,
    nodes: [{ skewMs: 0, concurrency: 1 }],
    machines: [
      {
        version: 1,
        events: ["GO"],
        states: { INIT: { on: { GO: [{ action: "advance", state: "ONE" }] } }, ONE: { tasks: ["db"] } },
        tasks: { db: { executor: "work", config: {} } },
      },
    ],
    actions: [go],
    faults: {},
    work: {},
    ...overrides,
  };
}

interface Traced {
  /** Steps about the stack and its task: `millisecond key`. */
  readonly steps: readonly string[];
  readonly commits: readonly string[];
  readonly violations: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
}

async function trace(overrides: Partial<SimulationPlan>): Promise<Traced> {
  const steps: string[] = [];
  const commits: string[] = [];
  const { violations, counts } = await runPlan(aPlan(overrides), {
    onStep: (line) => {
      if (/^\d+ s1.* engine commit/.test(line)) commits.push(line.replace(/ s1.*?\[/, " ["));
      if (/^\d+ s1\//.test(line)) steps.push(line.split(" ").slice(0, 4).join(" "));
    },
  });
  return { steps, commits, violations: violations.map(({ sentence }) => sentence), counts };
}

const work = (step: WorkStep) => ({ work: { "s1/db/1.1/1": step } });
const fault = (key: string, what: Fault) => ({ faults: { [key]: what } });

describe("a process whose engine and worker are together", () => {
  const nodes = [{ skewMs: 0, concurrency: 1, direct: true }];

  it("begins an attempt as granted, and applies its result by the commit that ends it", async () => {
    expect(await trace({ nodes })).toEqual({
      steps: ["0 s1/db/1.1 begin 1", "0 s1/db/1.1 end 1"],
      commits: ["0 [GO e1 applied ]", "0 [TASK_COMPLETED result:s1/e1/1/db/1 applied ]"],
      violations: [],
      counts: {},
    });
  });

  it("leaves an attempt to its lease when it dies, as one that was claimed", async () => {
    const kill: PlannedAction = { atMs: 1_000, do: "kill", node: 0, downMs: 500 };
    const { steps, violations } = await trace({
      nodes,
      actions: [go, kill],
      ...work({ answer: "succeed", takesMs: 2_000 }),
    });

    expect(steps.slice(0, 3)).toEqual(["0 s1/db/1.1 begin 1", "5000 s1/db/1.1 worker claim", "5000 s1/db/1.1 begin 2"]);
    expect(violations).toEqual([]);
  });
});

describe("a plan without faults", () => {
  it("goes as planned", async () => {
    expect(await trace({})).toEqual({
      steps: ["0 s1/db/1.1 worker claim", "0 s1/db/1.1 begin 1", "0 s1/db/1.1 end 1", "0 s1/db/1.1 worker settle"],
      commits: ["0 [GO e1 applied ]", "0 [TASK_COMPLETED result:s1/e1/1/db/1 applied ]"],
      violations: [],
      counts: {},
    });
  });

  it.each([
    ["fails", { answer: "fail" }, "0 [TASK_ERROR result:s1/e1/1/db/1 applied WORK_FAILED]"],
    ["fails for good", { answer: "fail-for-good" }, "0 [TASK_ERROR result:s1/e1/1/db/1 applied WORK_IMPOSSIBLE]"],
    ["throws", { answer: "throw" }, "0 [TASK_ERROR result:s1/e1/1/db/1 applied EXECUTOR_FAILED]"],
    ["answers nonsense", { answer: "nonsense" }, "0 [TASK_ERROR result:s1/e1/1/db/1 applied PLUGIN_INVALID]"],
    ["takes its time", { answer: "succeed", takesMs: 7_000 }, "7000 [TASK_COMPLETED result:s1/e1/1/db/1 applied ]"],
    ["is polled", { answer: "go-on", pollAfterMs: 900 }, "900 [TASK_COMPLETED result:s1/e1/1/db/1 applied ]"],
  ] as const)("has work that %s", async (_what, step, commit) => {
    const { commits, violations } = await trace(work(step));

    expect([commits.at(-1), violations]).toEqual([commit, []]);
  });

  it("ends work that hangs at its deadline, and one that listens to nothing when its cancel is over", async () => {
    const listening = await trace(work({ answer: "hang" }));
    const deaf = await trace(work({ answer: "hang", deaf: true }));

    expect(listening.commits.slice(1).map((line) => line.split(" ").slice(1, 3).join(" "))).toEqual([
      "[TASK_TIMED_OUT deadline:s1/e1/1/db/1",
      "[TASK_CANCELLED result:s1/e1/1/db/1",
    ]);
    expect(deaf.commits.slice(1).map((line) => line.split(" ").slice(1, 3).join(" "))).toEqual([
      "[TASK_TIMED_OUT deadline:s1/e1/1/db/1",
      "[TASK_CANCELLED cancel:s1/e1/1/db/1",
    ]);
    expect([listening.violations, deaf.violations]).toEqual([[], []]);
  });

  it("starts a job that follows, of the machine of jobs", async () => {
    const lines: string[] = [];

    const { violations } = await runPlan(aPlan(work({ answer: "follow-up" })), { onStep: (line) => lines.push(line) });

    expect(violations).toEqual([]);
    expect(lines.filter((line) => /commit/.test(line)).map((line) => line.split(" ").slice(0, 2).join(" "))).toEqual([
      "0 s1",
      "0 s1",
      expect.stringMatching(/^5000 run-/),
      expect.stringMatching(/^5000 run-/),
      // No one has looked for a day, so the yard holds what is due for ten minutes.
      expect.stringMatching(/^87005000 run-/),
    ]);
  });
});

describe("a fault", () => {
  const claimedTwice = [
    "0 s1/db/1.1 worker claim",
    "0 s1/db/1.1 begin 1",
    "0 s1/db/1.1 end 1",
    "0 s1/db/1.1 worker settle",
  ];

  it("kills a process that has settled without an answer: the result is kept", async () => {
    const { steps, commits, violations, counts } = await trace(
      fault("s1/db/1.1 worker settle 1", { kind: "crash", when: "after", downMs: 500 }),
    );

    expect(steps).toEqual(claimedTwice);
    expect(commits.at(-1)).toBe("500 [TASK_COMPLETED result:s1/e1/1/db/1 applied ]");
    expect([violations, counts]).toEqual([[], { crash: 1 }]);
  });

  it("kills a process that was about to settle: another one takes the attempt when the lease is over", async () => {
    const { steps, violations } = await trace(
      fault("s1/db/1.1 worker settle 1", { kind: "crash", when: "before", downMs: 500 }),
    );

    expect(steps.slice(4)).toEqual([
      "5000 s1/db/1.1 worker claim",
      "5000 s1/db/1.1 begin 2",
      "5000 s1/db/1.1 end 2",
      "5000 s1/db/1.1 worker settle",
    ]);
    expect(violations).toEqual([]);
  });

  it("refuses a call that is then tried again", async () => {
    const { steps, violations } = await trace(fault("s1/db/1.1 worker settle 1", { kind: "fail", when: "before" }));

    expect([steps.slice(4), violations]).toEqual([["250 s1/db/1.1 worker settle"], []]);
  });

  it("loses messages on their way, and the store hands them out again", async () => {
    const { steps, violations, counts } = await trace(fault("s1/db/1.1 delivery 1", { kind: "lose" }));

    expect(steps[0]).toMatch(/^[1-9]\d{4} s1\/db\/1.1 worker claim$/);
    expect([violations, counts]).toEqual([[], { lose: 1 }]);
  });

  it("hands messages to another process too, which gets no lease", async () => {
    const nodes = [
      { skewMs: 0, concurrency: 1 },
      { skewMs: 0, concurrency: 1 },
    ];

    const { steps, violations, counts } = await trace({
      nodes,
      ...fault("s1/db/1.1 delivery 1", { kind: "repeat", node: 1 }),
    });

    expect(steps.filter((step) => step.endsWith("claim"))).toHaveLength(2);
    expect(steps.filter((step) => step.includes("begin"))).toHaveLength(1);
    expect([violations, counts]).toEqual([[], { repeat: 1 }]);
  });

  it("kills a process that was just handed messages", async () => {
    const { steps, violations } = await trace(
      fault("s1/db/1.1 delivery 1", { kind: "crash", when: "before", downMs: 1 }),
    );

    expect(steps[0]).toMatch(/^[1-9]\d{4} s1\/db\/1.1 worker claim$/);
    expect(violations).toEqual([]);
  });
});

describe("a process that dies with several messages in hand", () => {
  const one = { version: 1, events: ["GO"] } as const;
  const machines = [
    {
      ...one,
      states: { INIT: { on: { GO: [{ action: "advance", state: "ONE" }] } }, ONE: { tasks: ["db", "net"] } },
      tasks: { db: { executor: "work" }, net: { executor: "work" } },
    },
  ] as const;
  const crash = { kind: "crash", when: "before", downMs: 700 } as const;

  it("does nothing with the others, and takes no more", async () => {
    const lines: string[] = [];
    const faults = { "s1/db/1.1 delivery 1": crash };

    const { violations } = await runPlan(aPlan({ machines, nodes: [{ skewMs: 0, concurrency: 3 }], faults }), {
      onStep: (line) => lines.push(line.split(" ").slice(0, 4).join(" ")),
    });

    const taken = lines.lastIndexOf("0 node 0 tasks");
    const restarted = lines.indexOf("700 node 0 restart");
    expect([taken > 0, restarted > taken]).toEqual([true, true]);
    expect(lines.slice(taken + 1, restarted)).toEqual([]);
    expect(violations).toEqual([]);
  });

  it("starts once when it was asked twice to stop", async () => {
    const stop = { do: "stop", node: 0, downMs: 9 } as const;
    const actions = [go, { atMs: 5, ...stop }, { atMs: 6, ...stop }];
    const lines: string[] = [];

    await runPlan(aPlan({ actions, ...work({ answer: "succeed", takesMs: 100, deaf: true }) }), {
      onStep: (line) => lines.push(line),
    });

    expect(lines.filter((line) => line.includes("restart"))).toEqual(["109 node 0 restart is over"]);
  });
});

describe("events by a queue outside the store", () => {
  it("come once when all goes well", async () => {
    const { commits, violations } = await trace({ medium: "queue" });

    expect([commits[0], violations]).toEqual(["0 [GO e1 applied ]", []]);
  });

  it("come again when their process has died before it has answered, and are not applied again", async () => {
    const { commits, violations } = await trace({
      medium: "queue",
      ...fault("node 0 queue answer 1", { kind: "crash", when: "before", downMs: 10 }),
    });

    // That the id was applied before is what the store answers to the second try.
    expect(commits.filter((line) => line.includes("e1 "))).toEqual([
      "0 [GO e1 applied ]",
      "30000 [GO e1 parked EVENT_NOT_HANDLED]",
      "30000 [GO e1 ignored DUPLICATE]",
    ]);
    expect(violations).toEqual([]);
  });

  it("come again when they are lost on their way", async () => {
    const { commits, violations } = await trace({ medium: "queue", ...fault("e1 delivery 1", { kind: "lose" }) });

    expect([commits[0], violations]).toEqual(["30000 [GO e1 applied ]", []]);
  });

  it("are received again after a failure of the queue", async () => {
    const failing = fault("node 0 queue receive 1", { kind: "fail", when: "before" });
    const { commits } = await trace({ medium: "queue", ...failing });

    expect(commits[0]).toBe("1000 [GO e1 applied ]");
  });

  it("are dropped with a word where refused ones are", async () => {
    const early: PlannedAction = {
      atMs: 10,
      do: "send",
      message: { id: "e2", stackId: "s1", event: "GO", metadata: { n: 2 } },
    };

    const { commits, violations } = await trace({ medium: "queue", refusedEvents: "drop", actions: [go, early] });

    expect(commits.at(-1)).toBe("10 [GO e2 refused EVENT_NOT_HANDLED]");
    expect(violations).toEqual([]);
  });

  it("are received until their process stops", async () => {
    const late: PlannedAction = {
      atMs: 5_000,
      do: "send",
      message: { id: "e2", stackId: "s1", event: "GO", metadata: { n: 2 } },
    };

    const { commits, violations } = await trace({
      medium: "queue",
      actions: [go, { atMs: 1_000, do: "stop", node: 0, downMs: 60_000 }, late],
    });

    expect(commits.at(2)).toBe("61000 [GO e2 parked EVENT_NOT_HANDLED]");
    expect(violations).toEqual([]);
  });
});

describe("an action", () => {
  const slow = work({ answer: "succeed", takesMs: 2_000 });

  it("stops a process in order: its task is released and claimed again at once", async () => {
    const { steps, violations } = await trace({
      actions: [go, { atMs: 1_000, do: "stop", node: 0, downMs: 500 }],
      ...slow,
    });

    expect(steps.slice(2)).toEqual([
      "1000 s1/db/1.1 end 1",
      "1000 s1/db/1.1 worker suspend",
      "1500 s1/db/1.1 worker claim",
      "1500 s1/db/1.1 begin 2",
      "1500 s1/db/1.1 end 2",
      "1500 s1/db/1.1 worker settle",
    ]);
    expect(violations).toEqual([]);
  });

  it("kills a process: its task is claimed again when its lease has expired", async () => {
    const { steps, violations } = await trace({
      actions: [go, { atMs: 1_000, do: "kill", node: 0, downMs: 500 }],
      ...slow,
    });

    expect(steps.slice(2, 3)).toEqual(["5000 s1/db/1.1 worker claim"]);
    expect(violations).toEqual([]);
  });

  describe("that takes all processes away for hours", () => {
    const timed = aPlan().machines.map((machine) => ({
      ...machine,
      version: 2 as const,
      tasks: { db: { executor: "work", config: {}, timeout: "1h" } },
    }));
    const every20Minutes = (polls: number) => {
      const keys = Array.from({ length: polls }, (_, index) => `s1/db/1.1/${index + 1}`);
      return {
        work: Object.fromEntries(keys.map((key) => [key, { answer: "go-on", pollAfterMs: 1_200_000 }] as const)),
      };
    };
    const away = { atMs: 600_000, node: 0, downMs: 10_800_000 } as const;

    it.each<readonly [string, PlannedAction]>([
      ["kills", { do: "kill", ...away }],
      ["stops", { do: "stop", ...away }],
      ["freezes", { do: "freeze", atMs: 600_000, node: 0, forMs: 10_800_000 }],
    ])("and %s them: that time does not count against the limit of a task", async (_what, action) => {
      const { commits, violations } = await trace({ machines: timed, actions: [go, action], ...every20Minutes(2) });

      expect(commits.map((line) => line.replace(/^\d+ /, ""))).toEqual([
        "[GO e1 applied ]",
        "[TASK_COMPLETED result:s1/e1/1/db/1 applied ]",
      ]);
      expect(violations).toEqual([]);
    });

    it("but one: then it counts", async () => {
      const nodes = [0, 0].map((skewMs) => ({ skewMs, concurrency: 1 }));
      const kill = { do: "kill", ...away } as const;

      const { commits } = await trace({ nodes, machines: timed, actions: [go, kill], ...every20Minutes(9) });

      expect(commits.slice(1, 2)).toEqual(["3600000 [TASK_TIMED_OUT deadline:s1/e1/1/db/1 applied ]"]);
    });
  });

  it("freezes a process: another one takes its task, and what it has done itself counts for nothing", async () => {
    const { steps, violations } = await trace({
      nodes: [
        { skewMs: 0, concurrency: 1 },
        { skewMs: 0, concurrency: 1 },
      ],
      actions: [go, { atMs: 1_000, do: "freeze", node: 0, forMs: 60_000 }],
      ...slow,
    });

    expect(steps.filter((step) => /begin|settle|end/.test(step))).toEqual([
      "0 s1/db/1.1 begin 1",
      "5000 s1/db/1.1 begin 2",
      "5000 s1/db/1.1 end 1",
      "5000 s1/db/1.1 worker settle",
      "61000 s1/db/1.1 end 2",
    ]);
    expect(violations).toEqual([]);
  });

  it("loses leases: another process takes the task, and what the first one has done counts for nothing", async () => {
    const { steps, violations } = await trace({
      nodes: [
        { skewMs: 0, concurrency: 1 },
        { skewMs: 0, concurrency: 1 },
      ],
      actions: [go, { atMs: 1_000, do: "lose-leases" }],
      ...slow,
    });

    expect(steps.filter((step) => /begin/.test(step))).toEqual(["0 s1/db/1.1 begin 1", "1000 s1/db/1.1 begin 2"]);
    expect(violations).toEqual([]);
  });

  it("starts a run, and the same one once", async () => {
    const lines: string[] = [];
    const actions = [0, 5].map((atMs): PlannedAction => ({ atMs, do: "run", key: "k" }));

    const { violations } = await runPlan(aPlan({ actions }), { onStep: (line) => lines.push(line) });

    expect(violations).toEqual([]);
    expect(lines.filter((line) => line.includes("START k applied"))).toHaveLength(1);
  });

  it("brings a new revision, after which what the old one refused is decided again", async () => {
    const [first] = aPlan().machines;
    if (first === undefined) throw new Error("The plan has no machine.");
    const second = { ...first, states: { ...first.states, ONE: { on: { GO: [{ action: "no-op" }] } } } };

    const { commits, violations } = await trace({
      machines: [first, second],
      actions: [
        go,
        { atMs: 10, do: "send", message: { id: "e2", stackId: "s1", event: "GO", metadata: { n: 2 } } },
        { atMs: 1_000, do: "revise", to: 1 },
      ],
    });

    expect(commits.slice(2)).toEqual([
      "10 [GO e2 parked EVENT_NOT_HANDLED]",
      expect.stringMatching(/^1000 \[UPGRADE_STACK revised:\S+ applied ; GO e2 applied \]$/),
    ]);
    expect(violations).toEqual([]);
  });

  it("sends again the dead letters", async () => {
    const { commits, violations } = await trace({
      actions: [
        go,
        { atMs: 10, do: "send", message: { id: "e2", stackId: "s1", event: "OTHER" } },
        { atMs: 20, do: "redrive" },
      ],
    });

    expect(commits.slice(2)).toEqual([
      "10 [OTHER e2 dead-lettered EVENT_UNDECLARED]",
      "20 [OTHER e2 dead-lettered EVENT_UNDECLARED]",
    ]);
    expect(violations).toEqual([]);
  });
});

describe("an attempt that answers after the next one", () => {
  const minute = 60_000;
  // Its deadline passes, a person retries, the second attempt fails at once, and then the first one succeeds.
  const late = {
    nodes: [{ skewMs: 0, concurrency: 2 }],
    actions: [
      go,
      { atMs: 4.2 * minute, do: "send", message: { id: "e2", stackId: "s1", event: "RETRY_FAILED_TASKS" } },
    ],
    work: {
      "s1/db/1.1/1": { answer: "succeed", takesMs: 4.5 * minute, deaf: true },
      "s1/db/1.2/1": { answer: "fail" },
    },
  } as const;
  /** Shows the engine no attempt beyond those that are open, so the first one seems to be the newest. */
  const forgetAnswered = (stack: Stack): Stack => {
    const open = stack.runs.map(({ task, attempt }) => [task, attempt]);
    return { ...stack, attempts: { ...stack.attempts, ...Object.fromEntries(open) } };
  };

  it("changes nothing", async () => {
    const { commits, violations } = await trace(late);

    expect(commits.slice(-2)).toEqual([
      "252000 [TASK_ERROR result:s1/e1/1/db/2 applied WORK_FAILED]",
      "270000 [TASK_COMPLETED result:s1/e1/1/db/1 ignored RESULT_STALE]",
    ]);
    expect(violations).toEqual([]);
  });

  it("breaks an invariant when it does", async () => {
    const { violations } = await runPlan(aPlan(late), {
      plant: (store) => ({
        ...store,
        async load(ids) {
          const loaded = await store.load(ids);
          return loaded.map((one) => (one.stack === undefined ? one : { ...one, stack: forgetAnswered(one.stack) }));
        },
      }),
    });

    expect(violations.map(({ invariant }) => invariant)).toEqual(["late-results"]);
  });
});

describe("a run", () => {
  it("refuses a machine that does not compile, and says why", async () => {
    const machines = [{ version: 1, events: ["GO"], states: {}, tasks: {} }] as const;

    await expect(runPlan(aPlan({ machines }))).rejects.toThrow(/The plan cannot be run\. .*INIT/s);
  });

  it("ends with the first step that breaks an invariant", async () => {
    const { violations, steps } = await runPlan(aPlan(), {
      plant: (store) => ({
        ...store,
        commit: (changes) => store.commit(changes.map((c) => ({ ...c, dispatches: [] }))),
      }),
    });

    expect(violations.map(({ invariant }) => invariant)).toEqual(["one-commit"]);
    expect(steps).toBeLessThan(15);
  });

  it("that takes too long breaks the limit of steps", async () => {
    const { violations } = await runPlan(aPlan(), { maxSteps: 5 });

    expect(violations).toEqual([{ invariant: "step-limit", sentence: "The run has not ended after 5 steps." }]);
  });

  it("goes by the clock of each process", async () => {
    const { steps } = await trace({
      nodes: [
        { skewMs: 90_000, concurrency: 1 },
        { skewMs: 0, concurrency: 1 },
      ],
      actions: [go, { atMs: 10, do: "kill", node: 0, downMs: 600_000 }],
      ...work({ answer: "go-on", pollAfterMs: 900 }),
    });

    // The first one has said when to poll, by a clock that is ahead.
    expect(steps.filter((step) => step.endsWith("claim"))).toEqual([
      "0 s1/db/1.1 worker claim",
      "90900 s1/db/1.1 worker claim",
    ]);
  });
});

describe("runs of seeds", () => {
  async function trace(run: (onStep: (line: string) => void) => Promise<unknown>): Promise<string> {
    const lines: string[] = [];
    await run((line) => lines.push(line));
    return lines.join("\n");
  }

  it("hold all invariants", async () => {
    // `npm run sim` runs as many seeds as requested, 10,000 each night.
    const broken: unknown[] = [];
    const counts: Record<string, number> = {};
    for (let seed = 1; seed <= 20; seed += 1) {
      const run = await runSeed(seed);
      for (const violation of run.violations) broken.push({ seed, ...violation });
      for (const [kind, count] of Object.entries(run.counts)) counts[kind] = (counts[kind] ?? 0) + count;
    }

    expect(broken).toEqual([]);
    // Nothing would be proved by runs in which nothing goes wrong.
    expect(Object.keys(counts).sort()).toEqual(["crash", "delay", "fail", "hurry", "lose", "repeat", "yield"]);
  }, 120_000);

  it.each([3, 14, 27])("are the same, step by step, for the same seed (%i)", async (seed) => {
    const [first, second] = [
      await trace((onStep) => runSeed(seed, { onStep })),
      await trace((onStep) => runSeed(seed, { onStep })),
    ];

    expect(first.length).toBeGreaterThan(1_000);
    expect(second).toBe(first);
  });

  it.each([3, 14, 27])("are repeated, step by step, by their plan (%i)", async (seed) => {
    const { plan } = await runSeed(seed);

    // As it is when it was printed and pasted.
    const pasted = JSON.parse(JSON.stringify(plan));

    expect(await trace((onStep) => runPlan(pasted, { onStep }))).toBe(
      await trace((onStep) => runSeed(seed, { onStep })),
    );
  });

  it("differ from seed to seed", async () => {
    const [first, second] = [await runSeed(1), await runSeed(2)];

    expect(first.plan).not.toEqual({ ...second.plan, seed: 1 });
  });

  it("contain how much was checked", async () => {
    const { checks, lastedMs, steps } = await runSeed(3);

    expect(Object.keys(checks).sort()).toEqual(ALL_INVARIANTS.map(({ name }) => name).sort());
    expect([lastedMs > 0, steps > 0]).toEqual([true, true]);
  });
});

it("keeps an event that comes twice before and after the event that begins its stack, in one unit of work", async () => {
  const send = (id: string, event: string) => {
    const metadata = event === "BACK" ? { metadata: { n: 5 } } : {};
    return { atMs: 43_769, do: "send", message: { id, stackId: "s1", event, machine: "app", ...metadata } } as const;
  };
  const back = send("s1-0", "BACK");
  const { violations } = await runPlan({
    seed: 7148095,
    leaseMs: 5_000,
    medium: "queue",
    nodes: [{ skewMs: 0, concurrency: 1, direct: true }],
    machines: [{ version: 1, events: ["BACK"], states: { INIT: {} }, tasks: {} }],
    actions: [back, send("s1-5", "RETRY_PENDING_TASKS"), back],
    faults: {},
    work: {},
  });

  expect(violations).toEqual([]);
});
