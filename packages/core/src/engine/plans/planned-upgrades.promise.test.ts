import fc from "fast-check";
import { expect, it } from "vitest";
import { closingMachine, planOf, UNTIL } from "../../testing/played-stack.ts";
import { createTrial } from "../../testing/trial.ts";

const HOUR_MS = 3_600_000;

/** Of the second revision. */
const TIMERS = [
  `{ at: "${UNTIL}", event: CLOSED }`,
  `{ at: "${UNTIL}", event: KEEP }`,
  "{ in: 24h, event: CLOSED }",
  '{ cron: "0 0 * * *", zone: UTC, event: KEEP }',
];

/** When a stack shall end, as its metadata has it, in hours from now. */
const until = fc.constantFrom(-1_000, -1, 0, 1, 1_000, "null", "missing", "later", "");
const stack = fc.record({ until, parks: fc.boolean() });
const plan = fc.record({
  stacks: fc.array(stack, { minLength: 1, maxLength: 12 }),
  timers: fc.uniqueArray(fc.constantFrom(...TIMERS), { maxLength: 3 }),
  handles: fc.boolean(),
  ageHours: fc.constantFrom(0, 36),
});

function toMetadata(value: number | string, now: number): object {
  if (value === "missing") return {};
  if (value === "null") return { until: null };
  return { until: typeof value === "number" ? new Date(now + value * HOUR_MS).toISOString() : value };
}

// temporal#1913, flowable#3074, camunda-process-instance-migrator#42
it("an upgrade of many stacks with past, null and future instants does what each plan has shown", async () => {
  const property = fc.asyncProperty(plan, async ({ stacks, timers, handles, ageHours }) => {
    const trial = createTrial({ source: closingMachine("{ on: { KEEP: no-op } }") });
    const { yard, locator } = trial;
    const ids = stacks.map((_, n) => `s${n}`);
    const now = yard.clock.now() + ageHours * HOUR_MS;
    for (const [n, each] of stacks.entries()) {
      await yard.publish({ stackId: `s${n}`, event: "GO", machine: "app", metadata: toMetadata(each.until, now) });
      await yard.settle();
      if (each.parks) await yard.publish({ stackId: `s${n}`, event: "CLOSED" });
    }
    await yard.advance(now - yard.clock.now());
    const closes = handles ? "CLOSED: GONE" : "CLOSED: no-op";
    locator.write("app", closingMachine(`{ after: [${timers.join(", ")}], on: { KEEP: no-op, ${closes} } }`));

    const plans = await Promise.all(ids.map((stackId) => planOf(trial).planUpgrade({ stackId })));
    const before = await Promise.all(ids.map(async (id) => (await yard.listHistory(id)).length));
    const origin = { origin: "external", own: true, receivedAt: yard.clock.now() } as const;
    await yard.store.enqueue(
      ids.map((stackId, n) => ({
        ...origin,
        id: `upgrade-${stackId}`,
        stackId,
        message: { event: "UPGRADE_STACK", stackId, plan: plans[n]?.digest },
      })),
    );
    await yard.settle();

    for (const [n, id] of ids.entries()) {
      const lines = (await yard.listHistory(id)).slice(before[n]);
      const done = lines.filter(({ event }) => !event.startsWith("TASK_"));
      expect([id, ...done.map(({ event, outcome, to }) => [event, outcome, to])]).toEqual([
        id,
        ["UPGRADE_STACK", "applied", "LIVE"],
        ...(plans[n]?.events ?? []).map(({ event, outcome, state }) => [event, outcome, state ?? undefined]),
      ]);
    }
  });
  await fc.assert(property, { numRuns: process.env["LONG_TESTS"] ? 600 : 25 });
});
