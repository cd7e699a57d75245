import { describe, expect, it } from "vitest";
import { createEcsTaskWorld, LEAST } from "../testing/an-ecs-task-world.ts";
import { createMortalFunction, type Death } from "../testing/mortal-function.ts";

/** Lives through one request in which processes die so. */
async function live(properties: object, deaths: readonly Death[]) {
  const mortal = createMortalFunction(deaths);
  const world = createEcsTaskWorld({ invoke: (event, { deps }) => mortal.invoke(event, deps) });
  const { status, requestId } = await world.until(world.life.create({ ...LEAST, ...properties }));
  // Whatever still goes on comes to its end.
  for (let minute = 0; minute < 10; minute += 1) await world.clock.advance(60_000);
  const uploads = world.sim.answers.uploads.filter((upload) => upload.requestId === requestId);
  const answers = new Set(uploads.map(({ answer }) => JSON.stringify(answer)));
  return { status, mortal, tasks: world.sim.ecs.tasks(), answers };
}

describe("processes that die one after the other", () => {
  it.each([
    ["a run", {}, 1],
    ["a run that is not waited for", { Timeout: 0 }, 1],
    ["nothing to run", { Count: 0 }, 0],
  ])("start nothing twice and give one answer: %s", { timeout: 120_000 }, async (_what, properties, count) => {
    for (let at = 1, deaths = 1; deaths > 0; at += 1) {
      const twice: readonly Death[] = [
        { at, after: true },
        { at: at + 4, after: at % 2 === 0 },
      ];
      const { status, tasks, answers, mortal } = await live(properties, twice);

      expect([twice, status, tasks.length, answers.size]).toEqual([twice, "CREATE_COMPLETE", count, 1]);
      expect(at).toBeLessThan(200);
      deaths = mortal.deaths;
    }
  });
});
