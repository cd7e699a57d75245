import { describe, expect, it } from "vitest";
import { countingIds } from "../../testing/fake-clock.ts";
import { closingMachine, planOf, UNTIL } from "../../testing/played-stack.ts";
import { createTrial, type Trial } from "../../testing/trial.ts";
import { createPlanner } from "./planner.ts";

const HOUR_MS = 3_600_000;
const BEFORE = closingMachine("{ on: { KEEP: no-op } }");
const AFTER = closingMachine(`{ after: [{ at: "${UNTIL}", event: CLOSED }], on: { KEEP: no-op, CLOSED: GONE } }`);
const past = new Date(Date.UTC(2020, 0, 1)).toISOString();

async function begin(source: string, metadata: object = { until: past }): Promise<Trial> {
  const trial = createTrial({ source });
  await trial.yard.publish({ stackId: "s", event: "GO", machine: "app", metadata });
  await trial.yard.settle();
  return trial;
}

async function planUpgrade(trial: Trial, source: string) {
  trial.locator.write("app", source);
  const plan = await planOf(trial).planUpgrade({ stackId: "s" });
  if (plan === undefined) throw new Error("There is no stack.");
  return plan;
}

async function upgrade({ yard, listOutcomes }: Trial, plan: string | undefined) {
  const [{ id = "" } = {}] = [{ id: `upgrade-${yard.clock.now()}` }];
  await yard.store.enqueue([
    {
      id,
      stackId: "s",
      origin: "external",
      own: true,
      receivedAt: yard.clock.now(),
      message: { event: "UPGRADE_STACK", stackId: "s", plan },
    },
  ]);
  await yard.settle();
  return (await listOutcomes("s")).slice(1);
}

describe("a plan of a yard with other options", () => {
  const source = closingMachine("{ on: { KEEP: no-op } }");
  const event = { stackId: "s", event: "CLOSED" };

  it.each([
    ["park", "parked"],
    ["drop", "refused"],
  ] as const)("shows what the engine does, and the engine does it: %s", async (refusedEvents, outcome) => {
    const engine = { refusedEvents };
    const trial = createTrial({ source, engine });
    await trial.yard.publish({ stackId: "s", event: "GO", machine: "app" });
    await trial.yard.settle();
    const [loaded] = await trial.yard.store.load(["s"]);
    const queued = { id: "e", stackId: "s", origin: "external", receivedAt: trial.yard.clock.now() } as const;

    const { events, digest } = await planOf(trial, { engine }).preview(
      loaded ?? { stackId: "s", version: 0, parked: [] },
      { ...queued, message: event },
    );
    await trial.yard.publish({ id: "e", ...event, plan: digest });
    await trial.yard.settle();

    expect(events).toEqual([expect.objectContaining({ outcome })]);
    expect(await trial.listOutcomes("s")).toEqual(["GO applied", `CLOSED ${outcome} EVENT_NOT_HANDLED`]);
  });
});

const CLOSED = { event: "CLOSED", cause: "timer", outcome: "applied", state: "GONE", sent: ["off"], cancelled: [] };

describe("the plan of an upgrade", () => {
  // temporal#1913
  it("continues until nothing is due: a timer whose instant has passed ends the stack at once", async () => {
    const trial = await begin(BEFORE);

    const { events, digest } = await planUpgrade(trial, AFTER);
    const done = await upgrade(trial, digest);

    expect(events).toEqual([CLOSED]);
    expect(done).toEqual(["UPGRADE_STACK applied", "CLOSED applied", "TASK_COMPLETED removed"]);
  });

  it("includes parked events that the revision handles", async () => {
    const trial = await begin(BEFORE.replace("CLOSED]", "CLOSED, LATE]"));
    await trial.yard.publish({ stackId: "s", event: "CLOSED" });
    await trial.yard.settle();

    const { events } = await planUpgrade(trial, closingMachine("{ on: { KEEP: no-op, CLOSED: GONE } }"));

    expect(events).toEqual([{ ...CLOSED, cause: "parked" }]);
  });

  it("includes parked events whose time is over at that instant", async () => {
    const trial = await begin(BEFORE);
    const { store, clock } = trial.yard;
    await trial.yard.publish({ stackId: "s", event: "CLOSED" });
    await trial.yard.settle();
    const [loaded = { stackId: "s", version: 0, parked: [] }] = await store.load(["s"]);
    const now = clock.now() + 2 * HOUR_MS;
    const message = { stackId: "s", event: "KEEP", metadata: { size: 1 } };
    const event = { id: "k", stackId: "s", origin: "external", receivedAt: now, message } as const;

    const { locator, executors } = trial;
    const planner = createPlanner({
      store,
      locator,
      executors,
      clock: { ...clock, now: () => now },
      ids: countingIds(),
    });
    const { events } = await planner.preview(loaded, event);

    expect(events.map(({ event: name, cause, outcome }) => [name, cause, outcome])).toEqual([
      ["KEEP", "own", "applied"],
      ["CLOSED", "parked", "dead-lettered"],
    ]);
  });

  // moonshot#225, chanzuckerberg/happy#1563
  it("changes nothing, however much would follow", async () => {
    const trial = await begin(BEFORE);
    const { store } = trial.yard;
    await trial.yard.publish({ stackId: "s", event: "CLOSED" });
    await trial.yard.settle();
    const read = async () => [
      await store.load(["s"]),
      await trial.yard.listHistory("s"),
      (await store.queries.listOpenAttempts({}, { limit: 10 })).items,
      await store.queries.stats(),
    ];
    const before = await read();

    const { events } = await planUpgrade(trial, AFTER);
    await trial.yard.settle();

    expect(events).toEqual([expect.objectContaining({ event: "CLOSED", sent: ["off"] })]);
    expect(await read()).toEqual(before);
  });

  // flowable#3074, camunda-process-instance-migrator#42
  it("names timers of the new revision that would have been due already, and do not begin", async () => {
    const trial = await begin(BEFORE);
    await trial.yard.advance(36 * HOUR_MS);
    await trial.yard.publish({ stackId: "s", event: "KEEP", metadata: { size: 1 } });
    await trial.yard.settle();

    const { events, notes } = await planUpgrade(
      trial,
      closingMachine("{ after: [{ in: 24h, event: CLOSED }], on: { KEEP: no-op, CLOSED: GONE } }"),
    );

    expect([events, notes]).toEqual([[], [expect.stringMatching(/"CLOSED" would have been due .* the next time\.$/)]]);
  });

  it("is the same while nothing changes, and what was planned is then done or refused", async () => {
    const later = new Date(createTrial({}).yard.clock.now() + 2 * HOUR_MS).toISOString();
    const trial = await begin(BEFORE, { until: later });
    const first = await planUpgrade(trial, AFTER);
    await trial.yard.advance(HOUR_MS);
    const second = await planUpgrade(trial, AFTER);

    await trial.yard.advance(2 * HOUR_MS);
    const refused = await upgrade(trial, first.digest);
    const third = await planUpgrade(trial, AFTER);
    await trial.yard.advance(1_000);
    const done = await upgrade(trial, third.digest);

    expect([first.events, second.digest === first.digest, third.digest === first.digest]).toEqual([[], true, false]);
    expect(refused).toEqual(["UPGRADE_STACK refused PLAN_STALE"]);
    expect(done).toContain("CLOSED applied");
  });

  it("of a document that is not saved yet shows what saving it does to a stack that follows", async () => {
    const follow = "revision: follow";
    const trial = await begin(closingMachine("{ on: { KEEP: no-op } }", follow));
    await trial.yard.publish({ stackId: "s", event: "CLOSED" });
    await trial.yard.settle();
    trial.locator.write("app", closingMachine("{ on: { KEEP: no-op, CLOSED: GONE } }", follow));
    const found = await trial.locator.find("app");
    trial.locator.write("app", closingMachine("{ on: { KEEP: no-op } }", follow));

    const draft = found.kind === "found" ? found.machine : undefined;
    const plan = await planOf(trial).planUpgrade({ stackId: "s", draft });

    expect(plan).toMatchObject({ outcome: "applied", events: [{ ...CLOSED, cause: "parked" }] });
  });
});

describe("the preview of an event", () => {
  it("continues until nothing is due, and its digest binds the event", async () => {
    const later = new Date(createTrial({}).yard.clock.now() + 2 * HOUR_MS).toISOString();
    const trial = await begin(AFTER, { until: later });
    const [loaded = { stackId: "s", version: 0, parked: [] }] = await trial.yard.store.load(["s"]);
    const message = { stackId: "s", event: "KEEP", metadata: { until: past } };
    const event = { id: "p", stackId: "s", origin: "external", receivedAt: trial.yard.clock.now(), message } as const;

    const { events, digest } = await planOf(trial).preview(loaded, event);
    await trial.yard.publish(
      { ...message, id: "other", plan: "0".repeat(32) },
      { ...message, id: "same", plan: digest },
    );
    await trial.yard.settle();

    expect(events).toEqual([expect.objectContaining({ event: "KEEP", cause: "own" }), CLOSED]);
    expect(await trial.listOutcomes("s")).toEqual([
      "GO applied",
      "KEEP refused PLAN_STALE",
      "KEEP applied",
      "CLOSED applied",
      "TASK_COMPLETED removed",
    ]);
  });
});
