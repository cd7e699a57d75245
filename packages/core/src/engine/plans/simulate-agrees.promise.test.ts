import { describe, expect, it } from "vitest";
import { defined } from "../../machine/json.ts";
import type { Machine } from "../../machine/machine.ts";
import { parseMachine } from "../../machine/parse-machine.ts";
import type { TaskState } from "../../machine/stack.ts";
import { createMemoryStore } from "../../memory/memory-store.ts";
import type { Random } from "../../ports/clock.ts";
import type { Locator } from "../../ports/locator.ts";
import type { QueuedEvent } from "../../ports/stack-store.ts";
import type { DueItem, DueKind } from "../../ports/work-queue.ts";
import { createSimulation, readStep, SIMULATION_START, type Simulation } from "../../simulation/simulation.ts";
import { countingIds, createFakeClock, createRandom } from "../../testing/fake-clock.ts";
import { createRecordingLogger } from "../../testing/recording-logger.ts";
import { createScriptedExecutor } from "../../testing/run-executor.ts";
import { pick } from "../../testing/simulation/chance.ts";
import { EVENTS, pickMachineV1, pickMachineV2, TASKS } from "../../testing/simulation/pick-plan.ts";
import { createTrial, createTrialLocator } from "../../testing/trial.ts";
import { createEngine } from "../engine.ts";

const source = `
version: 2
events: [OPENED, PUSHED, READY]
states:
  INIT: { on: { OPENED: BUILD } }
  BUILD: { on: { READY: LIVE } }
  LIVE: { on: { PUSHED: DONE } }
  DONE: {}
tasks:
  none: { executor: work, config: {} }
`;

async function playInEngine(events: readonly string[]): Promise<string | undefined> {
  const { yard } = createTrial({ source });
  for (const [index, event] of events.entries()) {
    await yard.publish({ id: `e${index}`, stackId: "pr-1", event, machine: "app" });
    await yard.settle();
  }
  return (await yard.findStack("pr-1"))?.state;
}

async function playInSimulation(events: readonly string[]): Promise<string | undefined> {
  const located = await createTrial({ source }).locator.find("app");
  if (located.kind !== "found") throw new Error("The machine has errors.");
  const simulation = createSimulation(new Map([["app", located.machine]]));
  const lines = events.map((event) => simulation.step({ event: { stackId: "pr-1", event, machine: "app" } }));
  return lines.at(-1)?.stack?.state;
}

describe("simulate and the engine", () => {
  it("end in the same state when each event comes in its turn", async () => {
    const events = ["OPENED", "READY", "PUSHED"];

    expect([await playInEngine(events), await playInSimulation(events)]).toEqual(["DONE", "DONE"]);
  });

  it("parks an early event in the engine and applies it when its turn comes", async () => {
    expect(await playInEngine(["OPENED", "PUSHED", "READY"])).toBe("DONE");
  });

  it("end in the same state when an event comes early", async () => {
    const events = ["OPENED", "PUSHED", "READY"];

    expect(await playInSimulation(events)).toBe(await playInEngine(events));
  });
});

// The few are some that meet everything in WANTED.
const [FIRST, MACHINES] = process.env["LONG_TESTS"] ? [1, 1_000] : process.env["QUICK_TESTS"] ? [40, 25] : [1, 100];
const SCENARIOS_OF_EACH = 10;
const STEPS = 12;
const executors = new Map(
  ["work", "solo"].map((name) => [name, createScriptedExecutor(name, () => undefined).executor] as const),
);

const PEOPLE = [
  { name: "ada", groups: ["ops"] },
  { name: "ben", groups: ["ops", "dev"] },
  { name: "kim", groups: ["dev"] },
  { name: "you", kind: "local", groups: ["ops"] },
  { name: "ci", kind: "token", groups: ["ops"] },
] as const;

/** In some machines, people do some of the tasks. */
function withApprovals(random: Random, machine: ReturnType<typeof pickMachineV2>): object {
  if (random() < 0.4) return machine;
  const tasks = Object.entries(machine.tasks).map(([name, task]) => {
    if (random() < 0.6) return [name, task] as const;
    const { retry: _, exclusive: __, outputs: ___, ...rest } = task as Readonly<Record<string, unknown>>;
    const from = pick(random, [["ops"], ["dev"], ["ops", "dev"]]);
    const config = { from, count: pick(random, [1, 1, 2]), own: random() < 0.5 };
    return [name, { ...rest, executor: "approval", config }] as const;
  });
  return { ...machine, tasks: Object.fromEntries(tasks) };
}

function pickAnswer(random: Random, about: object): Readonly<Record<string, unknown>> {
  const event = pick(random, ["APPROVE_TASK", "APPROVE_TASK", "APPROVE_TASK", "REJECT_TASK", "WITHDRAW_APPROVAL"]);
  return { event: { ...about, event }, sender: pick(random, PEOPLE) };
}

function pickEvent(random: Random, { index, ...to }: { readonly index: number }): Readonly<Record<string, unknown>> {
  // Some come twice, and some are never understood.
  const id = random() < 0.15 ? "repeated" : `e${index}`;
  const metadata = random() < 0.4 ? { n: pick(random, [1, 2, null, "x"]) } : {};
  const event = { ...to, id, event: pick(random, [...EVENTS, ...EVENTS, "OTHER"]), metadata };
  return random() < 0.5 ? { event } : { event, sender: pick(random, PEOPLE) };
}

function pickStep(random: Random, index: number): Readonly<Record<string, unknown>> {
  const stackId = random() < 0.8 ? "s" : "t";
  const kind = random();
  const event = { stackId, machine: "app" };
  const task = { name: pick(random, TASKS) };
  if (random() < 0.2) return pickAnswer(random, { stackId, task });
  if (kind < 0.35) return pickEvent(random, { ...event, index });
  if (kind < 0.4) return { event: { stackId, event: pick(random, ["RETRY_FAILED_TASKS", "RETRY_PENDING_TASKS"]) } };
  if (kind < 0.45) return { event: { stackId, event: "CANCEL_TASK", task } };
  if (kind < 0.75) {
    const result = pick(random, ["succeeded", "succeeded", "failed", "cancelled"]);
    return {
      stackId,
      task: task.name,
      result,
      code: pick(random, ["WORK_FAILED", "OTHER"]),
      retryable: random() < 0.8,
    };
  }
  return { advance: random() < 0.02 ? pick(random, ["3m", "61m"]) : pick(random, ["1s", "6s", "25s"]), stackId };
}

const DUE: readonly DueKind[] = ["deadline", "timer", "parked"];

/** The engine on a store, with workers that claim each sent task and confirm a cancel at a deadline at once. */
function createEngineYard(locator: Locator) {
  const store = createMemoryStore();
  const clock = createFakeClock(SIMULATION_START);
  const logger = createRecordingLogger();
  const deps = { store, locator, executors, clock, logger, ids: countingIds(), random: () => 0 };
  const engine = createEngine(deps);
  let sent: string[] = [];

  async function settle(): Promise<void> {
    for (;;) {
      const events = await take(["event"]);
      if (events.length === 0) break;
      await engine.handle(
        events.flatMap((item) =>
          item.kind === "event" ? [{ event: item.event, storeReceipt: item.receipt, deliveries: 1 }] : [],
        ),
      );
      await claimAll();
    }
  }

  function take(kinds: readonly DueKind[]): Promise<readonly DueItem[]> {
    return store.takeDue({ kinds, now: clock.now(), limit: 100, leaseMs: 1 });
  }

  async function claimAll(): Promise<void> {
    for (const item of await take(["task"])) {
      if (item.kind !== "task") continue;
      sent.push(`${item.message.stack.id} ${item.message.task.name}`);
      const { attemptId } = item;
      const leaseMs = 1_000_000_000_000;
      await store.claim({ attemptId, owner: "w", leaseMs, exclusiveKeys: [], now: clock.now() });
    }
  }

  async function send(event: QueuedEvent): Promise<void> {
    await store.enqueue([event]);
    await settle();
  }

  /** One item at a time, deadlines first, as a simulation fires them. */
  async function workNext(): Promise<boolean> {
    for (const kind of DUE) {
      const [item] = await store.takeDue({ kinds: [kind], now: clock.now(), limit: 1, leaseMs: 1 });
      if (item === undefined) continue;
      await engine.processDue([item]);
      await claimAll();
      await settle();
      if (item.kind === "deadline") await confirm(item);
      return true;
    }
    return false;
  }

  async function confirm({ stackId, attemptId }: Extract<DueItem, { kind: "deadline" }>): Promise<void> {
    const [loaded] = await store.load([stackId]);
    const run = loaded?.stack?.runs.find((each) => each.attemptId === attemptId);
    if (run?.cancelling !== "timed-out") return;
    const message = { event: "TASK_CANCELLED", stackId, task: { name: run.task }, dispatchId: attemptId };
    await send({ id: `TASK_CANCELLED:${attemptId}`, stackId, origin: "worker", receivedAt: clock.now(), message });
  }

  async function advance(byMs: number): Promise<void> {
    const until = clock.now() + byMs;
    for (let dueAt = await store.nextDueAt(DUE); dueAt !== undefined && dueAt <= until; ) {
      await clock.advance(Math.max(0, dueAt - clock.now()));
      while (await workNext());
      dueAt = await store.nextDueAt(DUE);
    }
    await clock.advance(until - clock.now());
  }

  return {
    async step(index: number, step: unknown): Promise<void> {
      sent = [];
      const read = readStep(step, "s");
      if (read.kind === "advance") await advance(read.byMs);
      if (read.kind !== "event") return;
      const message = read.body as { readonly id?: string; readonly stackId: string };
      const origin = read.origin === "external" ? "external" : "worker";
      const { id = `simulated-step-${index}`, stackId } = message;
      const sender = defined({ sender: read.sender });
      await send({ id, stackId, origin, receivedAt: clock.now(), message: { ...message }, ...sender });
    },
    async show(stackId: string) {
      const [loaded] = await store.load([stackId]);
      const stack = loaded?.stack;
      const given = Object.values(stack?.approvals ?? {}).map(({ given }) => given.map(({ by }) => by.name).join());
      return { state: stack?.state, tasks: stack?.tasks.map(formatTask), sent, given: given.sort() };
    },
  };
}

function formatTask({ name, status, detail }: TaskState): string {
  return [name, status, detail].join(" ");
}

/** Names of what the step has sent, over all stacks, with the stack. */
function listSent({ stack, dispatched, others }: ReturnType<Simulation["step"]>, subject: string): readonly string[] {
  return [
    ...dispatched.map((task) => `${stack?.id ?? subject} ${task}`),
    ...others.flatMap(({ id, dispatched: names }) => names.map((task) => `${id} ${task}`)),
  ].sort();
}

describe("simulate and the engine, over random machines and steps", () => {
  it("agree after each step", { timeout: 300_000 }, async () => {
    for (let seed = FIRST; seed < FIRST + MACHINES; seed += 1) {
      const random = createRandom(seed);
      const { source, machine } = drawMachine(seed, random);
      const locator = createTrialLocator(executors, { app: source });
      for (let index = 1; index <= SCENARIOS_OF_EACH; index += 1)
        await playBoth(`${seed}/${index}`, random, machine, locator);
    }
    expect(WANTED.filter((key) => !met.has(key))).toEqual([]);
  });
});

function drawMachine(seed: number, random: Random): { readonly source: string; readonly machine: Machine } {
  const drawn = random() < 0.25 ? pickMachineV1(random) : withApprovals(random, pickMachineV2(random));
  const source = JSON.stringify(drawn);
  const { machine } = parseMachine(source, { name: "app", executors });
  if (machine === undefined) throw new Error(`The machine of seed ${seed} has errors.`);
  return { source, machine };
}

/** What the scenarios must meet, so that none of it is tested by no scenario: answers, and what becomes due. */
const WANTED = [
  ...["asked", "given", "NOT_ALLOWED", "APPROVAL_CLOSED", "APPROVAL_REPEATED", "TASK_NOT_RUNNING", "TASK_NOT_CURRENT"],
  ...["STACK_UNKNOWN", "EVENT_NOT_HANDLED", "EVENT_UNDECLARED", "EVENT_REPEATED", "METADATA_INVALID", "DUPLICATE"],
  ...["RESULT_STALE", "approval", "deadline", "timeout", "retry", "after"],
];
const met = new Set<string>();

async function playBoth(seed: string, random: Random, machine: Machine, locator: Locator): Promise<void> {
  const simulation = createSimulation(new Map([["app", machine]]));
  const yard = createEngineYard(locator);
  const steps: unknown[] = [];
  for (let index = 1; index <= STEPS; index += 1) {
    const step =
      index === 1 ? { event: { id: "e0", stackId: "s", machine: "app", event: "GO" } } : pickStep(random, index);
    steps.push(step);
    const line = simulation.step(step);
    for (const key of listMet(line)) met.add(key);
    // A simulation stops a timer that restarts itself again and again. An engine never does.
    if (line.code === "LOOP_LIMIT") return;
    await yard.step(index, step);
    const { state, tasks, sent, given } = await yard.show(line.stack?.id ?? String(readSubject(step)));
    expect(
      {
        state: line.stack?.state,
        tasks: line.stack?.tasks.map(formatTask),
        sent: listSent(line, String(readSubject(step))),
        given: (line.stack?.approvals ?? []).map((approval) => approval.given.join()).sort(),
      },
      `seed ${seed}: ${JSON.stringify(steps)}`,
    ).toEqual({ state, tasks, sent: [...sent].sort(), given });
  }
}

function listMet({ code, stack, fired = [] }: ReturnType<Simulation["step"]>): readonly string[] {
  const given = (stack?.approvals ?? []).some((approval) => approval.given.length > 0) ? ["given"] : [];
  return [
    ...(code ? [code] : []),
    ...(stack?.approvals ? ["asked"] : []),
    ...given,
    ...fired.map(({ timer }) => timer),
  ];
}

function readSubject(step: unknown): unknown {
  const { event, stackId } = step as { readonly event?: { readonly stackId: string }; readonly stackId?: string };
  return event?.stackId ?? stackId;
}
