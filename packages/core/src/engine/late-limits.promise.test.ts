import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { parseMachine } from "../machine/parse-machine.ts";
import { defineExecutor, running, succeeded } from "../ports/executor.ts";
import { createSimulator, type Simulator } from "../testing/simulator.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const SOURCE = `
version: 2
events: { GO: {} }
states:
  INIT: { on: { GO: WORK } }
  WORK: { tasks: [work], on: { NEXT: LIVE, FAILED: BROKEN } }
  LIVE: {}
  BROKEN: {}
tasks:
  work: { executor: remote, timeout: 3h }
`;

/** A yard whose task started work elsewhere, which takes so long. It is polled every ten minutes. */
async function begin(worksMs: number) {
  const cancelling: number[] = [];
  let endsAt = Number.POSITIVE_INFINITY;
  const step = () => running({ progress: {}, pollAfterMs: 10 * MINUTE, message: "runs" });
  const executor = defineExecutor({
    name: "remote",
    config: Type.Object({}),
    progress: Type.Object({}),
    start: async () => step(),
    async poll({ clock, cancelling: isCancelling }) {
      if (isCancelling) cancelling.push(clock.now());
      return clock.now() >= endsAt ? succeeded({}) : step();
    },
    cancel: async () => step(),
  });
  const { machine, problems } = parseMachine(SOURCE, { name: "web", executors: new Map([["remote", executor]]) });
  if (machine === undefined) throw new Error(JSON.stringify(problems));
  const yard = createSimulator({
    machines: [{ machine, source: SOURCE }],
    executors: [executor],
    engines: 1,
    workers: 1,
  });
  await yard.publish({ id: "e1", stackId: "web", machine: "web", event: "GO" });
  await yard.settle();
  endsAt = yard.clock.now() + worksMs;
  return { yard, cancelling };
}

async function findState(yard: Simulator): Promise<string | undefined> {
  return (await yard.findStack("web"))?.state;
}

describe("a limit that passes while the yard is away", () => {
  it.each([0, 30, 60, 115])("does not end work that the next look finds done, after %i minutes", async (minutes) => {
    const { yard, cancelling } = await begin(2 * HOUR);
    await yard.advance(minutes * MINUTE);

    await yard.clock.advance(5 * HOUR);
    await yard.advance(5 * MINUTE);

    expect([await findState(yard), cancelling]).toEqual(["LIVE", []]);
    expect(await yard.findViolations()).toEqual([]);
  });

  it.each([0, 60])(
    "ends work that still runs when its time in which the yard was there is over, after %i minutes (camunda#13190)",
    async (minutes) => {
      const { yard } = await begin(9 * HOUR);
      await yard.advance(minutes * MINUTE);

      await yard.clock.advance(5 * HOUR);
      await yard.advance(3 * HOUR - (minutes + 2) * MINUTE);
      const before = await yard.findStack("web");
      await yard.advance(2 * MINUTE);

      expect(before?.tasks[0]?.status).toBe("PENDING");
      expect((await yard.findStack("web"))?.runs).toMatchObject([{ cancelling: "timed-out" }]);
    },
  );

  it("is that of a cancel, too: what the work has become is read before the yard gives it up", async () => {
    const { yard, cancelling } = await begin(2 * HOUR);
    await yard.advance(MINUTE);
    await yard.publish({ id: "e2", stackId: "web", event: "CANCEL_TASK", task: { name: "work" } });
    await yard.settle();

    await yard.clock.advance(5 * HOUR);
    await yard.advance(5 * MINUTE);

    expect([cancelling.length, await findState(yard)]).toEqual([1, "LIVE"]);
  });
});
