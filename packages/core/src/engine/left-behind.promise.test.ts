import { describe, expect, it } from "vitest";
import { terraformInventories, toStateName } from "../services/index.ts";
import { createTrial, type Trial } from "../testing/trial.ts";

const SOURCE = `
version: 2
events: [OPENED, CLOSED, DROPPED, LEAVE]
states:
  INIT: { on: { OPENED: LIVE } }
  LIVE:
    on: { CLOSED: GONE, DROPPED: EMPTY, LEAVE: [{ action: no-op, raise: DROPPED }] }
  GONE: { terminal: true, tasks: [app-off] }
  EMPTY: { terminal: true }
tasks:
  app-off: { executor: work, config: {} }
`;

const STATE = "app/s/local/terraform/app";

interface Inventory {
  readonly stack?: string;
  readonly count?: number;
  readonly keep?: boolean;
  readonly forgotten?: readonly { readonly address: string }[];
}

async function record({ yard }: Trial, { stack = "s", count = 0, ...rest }: Inventory): Promise<void> {
  const what = { machine: "app", incarnation: "", state: STATE, product: "terraform", version: "1.11.4", at: 0 };
  const value = { ...what, stack, count, resources: [], ...rest, forgotten: [...(rest.forgotten ?? [])] };
  await terraformInventories.change({ records: yard.store.records, clock: yard.clock }, toStateName(STATE), () => ({
    write: { value },
  }));
}

async function open(): Promise<Trial & { send(event: string): Promise<void> }> {
  const trial = createTrial({ source: SOURCE });
  const { yard } = trial;
  const send = async (event: string) => {
    await yard.publish({ id: event, stackId: "s", event, machine: "app" });
    await yard.settle();
  };
  await send("OPENED");
  return { ...trial, send };
}

describe("the removal of a stack whose Terraform state is not empty", () => {
  it.each(["CLOSED", "DROPPED", "LEAVE"])(
    "is refused after %s, and done by a retry when the state is empty",
    async (event) => {
      const trial = await open();
      const { yard, send } = trial;
      await record(trial, { count: 2 });
      await send(event);

      expect((await yard.findStack("s"))?.stalled).toEqual({
        code: "LEFT_BEHIND",
        reason: `Not removed, because these are not empty: ${STATE} (2 resources). A retry does the work of this state again.`,
      });

      await record(trial, {});
      await yard.publish({ id: "again", stackId: "s", event: "RETRY_FAILED_TASKS" });
      await yard.settle();

      expect(await yard.findStack("s")).toBeUndefined();
    },
  );

  it("counts what a configuration has forgotten, and not what outlives the stack or belongs to another one", async () => {
    const left = async (inventory: Inventory) => {
      const trial = await open();
      await record(trial, inventory);
      await trial.send("CLOSED");
      return (await trial.yard.findStack("s"))?.stalled?.code;
    };

    expect(await left({ forgotten: [{ address: "aws_db_instance.a" }] })).toBe("LEFT_BEHIND");
    expect(await left({ count: 2, keep: true })).toBeUndefined();
    expect(await left({ count: 2, stack: "other" })).toBeUndefined();
  });

  it("happens by force, with the states that it leaves behind in the history", async () => {
    const trial = await open();
    const { yard } = trial;
    await record(trial, { count: 2 });
    await yard.publish({ id: "gone", stackId: "s", event: "REMOVE_STACK", force: true, reason: "known" });
    await yard.settle();

    expect(await yard.findStack("s")).toBeUndefined();
    const line = (await yard.listHistory("s")).at(-1);
    expect(line).toMatchObject({ event: "REMOVE_STACK", outcome: "removed" });
    expect(line?.notes).toContain(`Left behind, because these are not empty: ${STATE} (2 resources).`);
  });

  it("happens by force although an inventory cannot be read, and says so", async () => {
    const trial = await open();
    const { yard } = trial;
    await record(trial, { count: 2 });
    const { records } = yard.store;
    const now = yard.clock.now();
    for (const { key, version } of (await records.list("terraform-inventory/", { limit: 1, now })).items) {
      await records.put({ key, value: { stack: 5 }, expected: version, now });
    }
    await yard.publish({ id: "gone", stackId: "s", event: "REMOVE_STACK", force: true, reason: "known" });
    await yard.settle();

    expect(await yard.findStack("s")).toBeUndefined();
    expect((await yard.listHistory("s")).at(-1)?.notes.join()).toMatch(/Left behind, .*cannot be listed/);
  });
});
