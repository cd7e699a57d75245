import { describe, expect, it } from "vitest";
import { compareEnds } from "../engine/plans/planner.ts";
import type { PageInput } from "../ports/records.ts";
import type { HistoryFilter, Store } from "../ports/store.ts";
import { opened, PLAYED_SOURCE, planOf, playStack } from "../testing/played-stack.ts";
import { toSimulationStack } from "./shown-stack.ts";

async function openHistory() {
  const trial = await playStack();
  const { queries } = trial.yard.store;
  const list = async () => (await queries.listHistory({ stackId: "pr-1" }, { limit: 1_000 })).items;
  return { trial, list, at: (position: number) => planOf(trial).findStackAt({ stackId: "pr-1", position }) };
}

describe("a stack as it was", () => {
  it("is in the state of each line of its history, and at the last line in the present one", async () => {
    const { trial, list, at } = await openHistory();
    const lines = await list();

    for (const line of lines) {
      const found = await at(line.position);
      expect(found).not.toHaveProperty("incomplete");
      expect([found?.line.position, found?.stack?.state]).toEqual([line.position, line.to]);
    }
    const last = await at(Number.MAX_SAFE_INTEGER - 1);
    const present = await trial.yard.findStack("pr-1");
    if (present === undefined || last?.stack === undefined) throw new Error("The stack is missing.");
    expect(compareEnds(present, last.stack)).toEqual([]);
    const { attempts, tasks, entry, visits } = toSimulationStack(last.stack, 0);
    expect({ attempts, tasks, entry, visits }).toEqual({
      attempts: toSimulationStack(present, 0).attempts,
      tasks: present.tasks,
      entry: present.entry,
      visits: present.visits,
    });
  });

  it("shows no sensitive value", async () => {
    const { at } = await openHistory();

    const found = await at(Number.MAX_SAFE_INTEGER - 1);

    if (found?.stack === undefined) throw new Error("The stack is missing.");
    const shown = toSimulationStack(found.stack, 0);
    expect(shown.metadata).toEqual({ image: "a:1", password: "***" });
    expect(JSON.stringify(shown)).not.toContain("hunter22");
  });

  it("had tasks and timers then", async () => {
    const { list, at } = await openHistory();
    const failure = (await list()).find(({ event }) => event === "TASK_ERROR");

    const found = await at(failure?.position ?? 0);

    expect(found?.stack?.tasks).toEqual([
      { name: "network", status: "SATISFIED" },
      { name: "db", status: "PENDING", detail: "RETRYING" },
    ]);
    expect(found?.stack?.timers).toMatchObject([{ event: "TASK_RETRY_DUE", task: "db" }]);
  });

  it("does not exist after its removal, and is another one when it is created again", async () => {
    const { trial, list, at } = await openHistory();
    await trial.yard.publish({ id: "e3", stackId: "pr-1", event: "MERGED" });
    await trial.yard.advance(10_000);
    await trial.yard.publish({ id: "lost", stackId: "pr-1", event: "PUSHED", metadata: { image: "a:2" } });
    await trial.yard.publish({ ...opened, id: "e4" });
    await trial.yard.advance(10_000);
    const removed = (await list()).find(({ outcome }) => outcome === "removed");

    const gone = await at(removed?.position ?? 0);
    const again = await at(Number.MAX_SAFE_INTEGER - 1);

    expect([gone?.line.outcome, gone?.stack, gone?.incomplete]).toEqual(["removed", undefined, undefined]);
    expect(again).not.toHaveProperty("incomplete");
    expect(again?.stack).toMatchObject({ incarnation: "e4" });
  });

  it("follows an upgrade", async () => {
    const { trial, list, at } = await openHistory();
    trial.locator.write("app", PLAYED_SOURCE.replace("LIVE: { on:", "LIVE: { after: [{ in: 1h, event: MERGED }], on:"));
    const before = (await list()).at(-1)?.position ?? 0;
    await trial.yard.publish({ id: "up", stackId: "pr-1", event: "UPGRADE_STACK" });
    await trial.yard.advance(1_000);

    const [then, now] = [await at(before), await at(Number.MAX_SAFE_INTEGER - 1)];

    const present = await trial.yard.findStack("pr-1");
    expect(now).not.toHaveProperty("incomplete");
    expect(now?.stack?.machineHash).toBe(present?.machineHash);
    expect(then?.stack?.machineHash).not.toBe(present?.machineHash);
    expect([then?.stack?.timers, now?.stack?.timers]).toEqual([[], present?.timers]);
  });

  it("is not known where the history begins later, or a revision is gone", async () => {
    const { trial, list, at } = await openHistory();
    const position = (await list()).at(-1)?.position ?? 0;
    expect(await at(0)).toBeUndefined();
    const { store } = trial.yard;
    const queries = {
      ...store.queries,
      async listHistory(filter: HistoryFilter, input: PageInput) {
        const page = await store.queries.listHistory(filter, input);
        return { ...page, items: page.items.filter(({ eventId }) => eventId !== "e1") };
      },
    };
    const find = (parts: Partial<Store>) => planOf(trial, parts).findStackAt({ stackId: "pr-1", position });

    expect(await find({ queries })).toMatchObject({
      stack: undefined,
      incomplete: expect.stringMatching(/^The history begins at .*, after the creation of the stack\.$/),
    });
    const revisions = { ...store.revisions, get: async () => undefined };
    expect(await find({ revisions })).toMatchObject({
      stack: undefined,
      incomplete: expect.stringContaining("is not stored"),
    });
  });
});
