import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createEcsTaskWorld, type EcsTaskWorld, LEAST } from "../testing/an-ecs-task-world.ts";

/** How the tasks of one operation go. */
const SCRIPTS = {
  good: {},
  bad: { containers: { app: 2 } },
  unknown: { missingMs: 20_000 },
  endless: { runsMs: Number.POSITIVE_INFINITY },
} as const;

const anOperation = fc.record({
  kind: fc.constantFrom("update", "update", "update", "repeat"),
  script: fc.constantFrom("good", "bad", "unknown", "endless"),
  properties: fc.record(
    {
      Count: fc.constantFrom("0", "1", "3", "many"),
      Timeout: fc.constantFrom("0", "60", "120"),
      RunOnUpdate: fc.constantFrom("true", "false"),
      Triggers: fc.integer(),
    },
    { requiredKeys: [] },
  ),
  lostAnswers: fc.nat({ max: 2 }),
});

/** Every request has one answer that counts, and all its uploads are the same. */
function checkAnswers({ life, sim }: EcsTaskWorld): void {
  for (const { RequestId } of life.requests) {
    const uploads = sim.answers.uploads.filter(({ requestId, status }) => requestId === RequestId && status === 200);
    expect(uploads.length).toBeGreaterThan(0);
    expect(new Set(uploads.map(({ answer, problem }) => problem ?? JSON.stringify(answer))).size).toBe(1);
    expect(uploads[0]?.answer).toBeDefined();
  }
}

type Operation = typeof anOperation extends fc.Arbitrary<infer Value> ? Value : never;

async function play({ life, sim, until }: EcsTaskWorld, operation: Operation): Promise<void> {
  const { kind, script, properties, lostAnswers } = operation;
  sim.ecs.script("migrate", SCRIPTS[script]);
  for (let at = 0; at < lostAnswers; at += 1) sim.answers.failNext("reset-after");
  if (kind === "update") await until(life.update({ ...LEAST, ...properties }));
  else await until(life.repeat(life.requests.at(-1)?.RequestId ?? ""));
}

/** As many tasks as the answers report, and none of them is running. */
function checkTasks({ life, sim }: EcsTaskWorld): void {
  const ran = life.requests.filter(
    ({ RequestId }) => sim.answers.findAnswer(RequestId)?.answer?.Data?.["Ran"] === "true",
  );
  const asked = ran.map(({ ResourceProperties }) => Number(ResourceProperties["Count"] ?? 1));
  expect(sim.ecs.tasks()).toHaveLength(asked.reduce((sum, count) => sum + count, 0));
  expect(sim.ecs.tasks().filter(({ lastStatus }) => lastStatus !== "STOPPED")).toEqual([]);
}

describe("any sequence of requests", () => {
  it("is answered, keeps the id, starts each task once, and leaves nothing behind", { timeout: 180_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anOperation, { minLength: 1, maxLength: 5 }), async (operations) => {
        const world = createEcsTaskWorld();
        await world.until(world.life.create({ ...LEAST, Count: 0 }));
        const id = world.life.physicalId;
        for (const operation of operations) {
          await play(world, operation);
          expect(world.life.physicalId).toBe(id);
        }
        expect(await world.until(world.life.delete())).toMatchObject({ status: "DELETE_COMPLETE" });
        for (let minute = 0; minute < 3; minute += 1) await world.clock.advance(60_000);
        checkAnswers(world);
        checkTasks(world);
      }),
      { numRuns: 25 },
    );
  });
});
