import { describe, expect, it } from "vitest";
import { createEcsTaskWorld, LEAST } from "../testing/an-ecs-task-world.ts";
import { createFaultyDeps, type Fault, type FaultyDeps } from "../testing/faulty-deps.ts";
import { createEcsTask, type EcsTaskFunction } from "./create-ecs-task.ts";

/** Creates a resource while one call of the function's ports fails, and deletes it. */
async function live(properties: object, fault: Fault) {
  let faulty: (FaultyDeps & EcsTaskFunction) | undefined;
  const world = createEcsTaskWorld({
    invoke: (event, { deps }) => {
      if (faulty === undefined) {
        const made = createFaultyDeps(deps, fault);
        faulty = { ...made, ...createEcsTask(made.deps) };
      }
      return faulty.handler(event);
    },
  });
  const { status, requestId } = await world.until(world.life.create({ ...LEAST, ...properties }));
  const isMet = faulty?.isMet() ?? false;
  const started = world.sim.ecs.tasks().length;
  const deleted = status === "CREATE_COMPLETE" ? await world.until(world.life.delete()) : undefined;
  for (let minute = 0; minute < 10; minute += 1) await world.clock.advance(60_000);
  const uploads = world.sim.answers.uploads.filter((upload) => upload.requestId === requestId);
  return {
    status,
    isMet,
    started,
    deleted: deleted?.status ?? "DELETE_COMPLETE",
    running: world.sim.ecs.tasks().filter(({ lastStatus }) => lastStatus !== "STOPPED").length,
    answers: new Set(uploads.map(({ answer }) => JSON.stringify(answer))).size,
  };
}

describe("one error anywhere", () => {
  it.each([
    ["a run", { Count: 2 }, 2],
    ["nothing to run", { Count: 0 }, 0],
  ])("is retried, or reported with the first answer: %s", { timeout: 120_000 }, async (_what, properties, count) => {
    const statuses: string[] = [];
    for (const after of [false, true]) {
      for (let at = 1, isMet = true; isMet; at += 1) {
        const lived = await live(properties, { at, after });
        isMet = lived.isMet;
        statuses.push(lived.status);

        expect([at, after, lived.answers, lived.running, lived.deleted]).toEqual([at, after, 1, 0, "DELETE_COMPLETE"]);
        if (lived.status === "CREATE_COMPLETE") expect([at, after, lived.started]).toEqual([at, after, count]);
        expect(at).toBeLessThan(200);
      }
    }

    // A failure before an execution takes over the work is reported at once; all others are retried.
    const failed = statuses.filter((status) => status === "CREATE_FAILED").length;
    expect(failed).toBeLessThan(statuses.length / 2);
  });
});
