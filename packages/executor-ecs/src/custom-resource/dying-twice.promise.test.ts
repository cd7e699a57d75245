import { describe, expect, it } from "vitest";
import { createMortalFunction, type Death } from "../testing/a-mortal-function.ts";
import { createEcsTaskWorld, LEAST } from "../testing/an-ecs-task-world.ts";

/** Lives through one request in which processes die so. */
async function live(properties: object, deaths: readonly Death[]) {
  const world = createEcsTaskWorld({ invoke: (event) => mortal.invoke(event) });
  const mortal = createMortalFunction(world.deps);
  mortal.arm(deaths);
  const { status, requestId } = await world.until(world.life.create({ ...LEAST, ...properties }));
  // Lets the remaining work finish.
  for (let minute = 0; minute < 10; minute += 1) await world.clock.advance(60_000);
  const uploads = world.sim.answers.uploads.filter((upload) => upload.requestId === requestId);
  const answers = new Set(uploads.map(({ answer }) => JSON.stringify(answer)));
  return { status, calls: mortal.count(), tasks: world.sim.ecs.tasks(), answers };
}

describe("processes that die one after the other", () => {
  it.each([
    ["a run", {}, 1],
    ["a run that is not waited for", { Timeout: 0 }, 1],
    ["nothing to run", { Count: 0 }, 0],
  ])("start nothing twice and give one answer: %s", { timeout: 120_000 }, async (_what, properties, count) => {
    for (let at = 1, isBeyond = false; !isBeyond; at += 1) {
      const twice: readonly Death[] = [
        { at, when: "after" },
        { at: at + 4, when: at % 2 === 0 ? "after" : "before" },
      ];
      const { status, tasks, answers, calls } = await live(properties, twice);

      expect([twice, status, tasks.length, answers.size]).toEqual([twice, "CREATE_COMPLETE", count, 1]);
      expect(at).toBeLessThan(200);
      isBeyond = at > calls;
    }
  });
});
