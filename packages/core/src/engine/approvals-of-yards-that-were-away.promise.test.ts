import { describe, expect, it } from "vitest";
import { parseMachine } from "../machine/parse-machine.ts";
import type { Stack } from "../machine/stack.ts";
import { countingIds } from "../testing/fake-clock.ts";
import { createSimulator, type Simulator } from "../testing/simulator.ts";
import { createTrialLocator } from "../testing/trial.ts";
import { createPlanner } from "./plans/planner.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const SOURCE = `
version: 2
events: { GO: {} }
states:
  INIT: { on: { GO: GATE } }
  GATE: { tasks: [sign-off], on: { NEXT: LIVE, FAILED: REFUSED } }
  LIVE: { on: { GO: GATE } }
  REFUSED: {}
tasks:
  sign-off: { executor: approval, timeout: 6h, config: { from: [managers], unowned: true } }
`;
const ADA = { kind: "person", id: "ada", name: "ada", groups: ["managers"] } as const;

/** A yard with an approval of six hours that was requested just now. */
async function ask(): Promise<Simulator> {
  const { machine } = parseMachine(SOURCE, { name: "web" });
  if (machine === undefined) throw new Error("The machine has errors.");
  const yard = createSimulator({ machines: [{ machine, source: SOURCE }], executors: [], engines: 1, workers: 1 });
  await yard.publish({ id: "e1", stackId: "web", machine: "web", event: "GO" });
  await yard.settle();
  return yard;
}

async function approve(yard: Simulator): Promise<string | undefined> {
  const message = { event: "APPROVE_TASK", stackId: "web", task: { name: "sign-off" } };
  const receivedAt = yard.clock.now();
  await yard.store.enqueue([{ id: "e2", stackId: "web", origin: "external", sender: ADA, receivedAt, message }]);
  await yard.settle();
  return findState(yard);
}

async function replay(yard: Simulator): Promise<Stack | undefined> {
  const executors = new Map();
  const locator = createTrialLocator(executors, { web: SOURCE });
  const { store, clock } = yard;
  const planner = createPlanner({ store, locator, executors, clock, ids: countingIds() });
  const position = (await yard.listHistory("web")).at(-1)?.position ?? 0;
  return (await planner.findStackAt({ stackId: "web", position }))?.stack;
}

async function findState(yard: Simulator): Promise<string | undefined> {
  return (await yard.findStack("web"))?.state;
}

/** The yard is switched off while the clock advances. */
const beAway = ({ clock }: Simulator, ms: number) => clock.advance(ms);

describe("an approval of a yard that was away for hours", () => {
  it.each([0, 1, 2, 3, 4, 5])("can be given when the yard is back, which left after %i hours", async (hours) => {
    const yard = await ask();
    await yard.advance(hours * HOUR);
    await beAway(yard, 7 * HOUR);
    await yard.advance(30 * MINUTE);

    expect([await findState(yard), await approve(yard)]).toEqual(["GATE", "LIVE"]);
  });

  it("expires on time where the yard was there", async () => {
    const yard = await ask();
    await yard.advance(6 * HOUR - 1);
    const before = await findState(yard);
    await yard.advance(1);

    expect([before, await findState(yard)]).toEqual(["GATE", "REFUSED"]);
  });

  it.each([
    ["that end before it expires", 1, 4],
    ["in which it expires", 2, 9],
  ])("does not lose the hours %s (argo-workflows#13722)", async (_, hours, away) => {
    const yard = await ask();
    await yard.advance(hours * HOUR);
    await beAway(yard, away * HOUR);
    await yard.advance((6 - hours) * HOUR - 2 * MINUTE);
    const before = await findState(yard);
    await yard.advance(2 * MINUTE);

    expect([before, await findState(yard)]).toEqual(["GATE", "REFUSED"]);
  });

  it("does not count hours in which the yard was away before it was requested", async () => {
    const yard = await ask();
    await beAway(yard, 5 * HOUR);
    await yard.advance(0);
    await approve(yard);
    await yard.publish({ id: "e3", stackId: "web", event: "GO" });
    await yard.settle();
    await yard.advance(6 * HOUR);

    expect(await findState(yard)).toBe("REFUSED");
  });

  it("says in the history why it does not expire yet, and a replay agrees", async () => {
    const yard = await ask();
    await beAway(yard, 7 * HOUR);
    await yard.advance(5 * HOUR);
    const open = (await yard.findStack("web"))?.approvals;
    const replayed = await replay(yard);
    await yard.advance(HOUR);

    expect([replayed?.approvals, await findState(yard)]).toEqual([open, "REFUSED"]);
    const history = await yard.listHistory("web");
    expect(history.flatMap(({ notes = [] }) => notes)).toContainEqual(
      expect.stringMatching(/^The yard was away while the approval "sign-off" was open, so it stays open until .*Z\.$/),
    );
    expect(await yard.findViolations()).toEqual([]);
  });

  it("stays open for a day more at most, in a week in which the yard is away for seven of eight hours", async () => {
    const yard = await ask();
    const states: (string | undefined)[] = [];
    for (let turn = 0; turn < 21; turn += 1) {
      await yard.advance(HOUR);
      states.push(await findState(yard));
      await beAway(yard, 7 * HOUR);
    }

    expect(states.indexOf("REFUSED")).toBe(4);
    expect(await yard.findViolations()).toEqual([]);
  });
});
