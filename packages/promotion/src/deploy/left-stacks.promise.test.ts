import { evaluateHealth } from "@stackyard/core/engine";
import { describe, expect, it } from "vitest";
import { aReleaseYard, type ReleaseYard, TENANT, TO_TENANTS, toReleaseMachine } from "../testing/a-release-yard.ts";

const OF_API = TO_TENANTS.metadata.api;

/** After a failed build a tenant stays in LIVE, on what ran before. Events may bring any key. */
const STAYS = TENANT.replace("FAILED: BROKEN", "FAILED: LIVE")
  .replace("RELEASED: { metadata: [api] }", "RELEASED: {}")
  .replace("PUSHED: { metadata: [api] }", "PUSHED: {}")
  .replace("metadata: { api:", "metadata: { web: { type: string }, jobs: { type: string, immutable: true }, api:");

const TWO = { api: OF_API, web: OF_API };

async function play(bench: ReleaseYard, version: string): Promise<void> {
  await bench.start(version);
  await bench.finish(version);
}

async function rollBack(bench: ReleaseYard, version: string) {
  await bench.send(`shop-${version}`, "ROLLBACK");
  await bench.finish(version);
}

async function findEnd(bench: ReleaseYard, version: string, task?: string) {
  const release = await bench.yard.findStack(`shop-${version}`);
  const degraded = release !== undefined && evaluateHealth(release).degraded;
  return {
    tally: await bench.tallyOf(version, task),
    degraded,
    code: degraded ? release.lastFailure?.code : undefined,
  };
}

function toRenamed(config: object = {}, name = "customers"): string {
  const tasks = {
    [name]: { executor: "deploy", config: { ...TO_TENANTS, ...config } },
    undo: { executor: "deploy", config: { op: "undo", of: name } },
  };
  return toReleaseMachine({ tasks, go: [name] });
}

describe("an undo", () => {
  it("restores the other keys where no event may take one back, and names it [syndesis#2499]", async () => {
    const bench = aReleaseYard({ tenant: STAYS, config: { metadata: { api: OF_API, jobs: OF_API } } });
    await bench.addTenants(2);
    await play(bench, "1.42.0");

    await rollBack(bench, "1.42.0");

    expect(await bench.versionsOf()).toEqual({ t0: "1.41.0", t1: "1.41.0" });
    expect(await findEnd(bench, "1.42.0", "undo")).toEqual({
      tally: "done NOT_RESTORED 2",
      degraded: true,
      code: "NOT_RESTORED",
    });
    const release = await bench.yard.findStack("shop-1.42.0");
    expect(JSON.stringify(release)).toContain("0 of 2 stacks have arrived, 2 were changed in part: NOT_RESTORED 2.");
  });

  it("takes back what a release has sent before and after its task was renamed [octopus#2547]", async () => {
    const bench = aReleaseYard({ tenant: STAYS });
    await bench.addTenants(3);
    bench.broken.add("t1");
    await play(bench, "1.42.0");
    bench.broken.clear();
    bench.revise("shop", toRenamed());
    await bench.send("shop-1.42.0", "UPGRADE_STACK");
    await bench.send("shop-1.42.0", "AGAIN");
    await bench.finish("1.42.0");

    await rollBack(bench, "1.42.0");

    expect([await findEnd(bench, "1.42.0", "undo"), Object.fromEntries(bench.ran)]).toEqual([
      { tally: "done 3", degraded: false },
      { t0: "1.41.0", t1: "1.41.0", t2: "1.41.0" },
    ]);
  });

  it("does the work of a task that is not the renamed one: it sends another event", async () => {
    const bench = aReleaseYard({ tenant: STAYS });
    await bench.addTenants(2);
    await play(bench, "1.42.0");
    const events = (await bench.yard.store.queries.listHistory({ stackId: "t0" }, { limit: 100 })).items.length;
    bench.revise("shop", toRenamed({ event: "PUSHED", again: true }));
    await bench.send("shop-1.42.0", "UPGRADE_STACK");

    await bench.send("shop-1.42.0", "AGAIN");
    await bench.finish("1.42.0");

    const { items } = await bench.yard.store.queries.listHistory({ stackId: "t0" }, { limit: 100 });
    expect(items.slice(events).map(({ event }) => event)).toContain("PUSHED");
  });

  it("names stacks that a task has sent to which the machine does not have any more [octopus#7242]", async () => {
    const bench = aReleaseYard({ tenant: STAYS });
    await bench.addTenants(3, (index) => ({ ring: index === 0 ? "one" : "two" }));
    await play(bench, "1.42.0");
    bench.revise("shop", toRenamed({ stacks: { machine: "tenant", where: "metadata.ring == 'one'" } }));
    await bench.send("shop-1.42.0", "UPGRADE_STACK");
    await bench.send("t0", "PUSHED", { metadata: { api: "by hand" } });
    await bench.send("shop-1.42.0", "AGAIN");
    await bench.finish("1.42.0");

    await rollBack(bench, "1.42.0");

    expect(await findEnd(bench, "1.42.0", "undo")).toEqual({
      tally: "done 1, skipped NOT_RESTORED 2",
      degraded: true,
      code: "NOT_RESTORED",
    });
  });

  it("restores no stack of another environment, whose task was renamed: it names it [octopus#2547]", async () => {
    const ringOf = (ring: string) => ({ stacks: { machine: "tenant", where: `metadata.ring == '${ring}'` } });
    const bench = aReleaseYard({ tenant: STAYS, config: ringOf("one") });
    await bench.addTenants(2, (index) => ({ ring: index === 0 ? "one" : "two" }));
    await play(bench, "1.42.0");
    bench.revise("shop", toRenamed(ringOf("two")));
    await bench.send("shop-1.42.0", "UPGRADE_STACK");

    await rollBack(bench, "1.42.0");

    expect(await bench.versionsOf()).toEqual({ t0: "1.42.0", t1: "1.41.0" });
    expect([await bench.tallyOf("1.42.0", "undo"), await bench.taskOf("1.42.0", "undo")]).toEqual([
      "skipped NOT_RESTORED 1",
      "BACK ERROR UNDO_INCOMPLETE",
    ]);
  });

  it("takes back what a task has sent that was renamed twice [octopus#2547]", async () => {
    const bench = aReleaseYard({ tenant: STAYS });
    await bench.addTenants(2);
    await play(bench, "1.42.0");
    for (const name of ["customers", "clients"]) {
      bench.revise("shop", toRenamed({}, name));
      await bench.send("shop-1.42.0", "UPGRADE_STACK");
      if (name === "customers") await bench.send("shop-1.42.0", "AGAIN");
      await bench.finish("1.42.0");
    }

    await rollBack(bench, "1.42.0");

    expect([await findEnd(bench, "1.42.0", "undo"), await bench.versionsOf()]).toEqual([
      { tally: "done 2", degraded: false },
      { t0: "1.41.0", t1: "1.41.0" },
    ]);
  });

  it("takes back what tasks have sent that are one task now: the newest, and again the one before [octopus#7242]", async () => {
    const ringOf = (ring: string) => ({
      executor: "deploy",
      config: { ...TO_TENANTS, stacks: { machine: "tenant", where: `metadata.ring == '${ring}'` } },
    });
    const undo = { executor: "deploy", config: { op: "undo", of: "one" } };
    const tasks = { one: ringOf("one"), two: { ...ringOf("two"), needs: ["one"] }, undo };
    const bench = aReleaseYard({ tenant: STAYS, release: toReleaseMachine({ tasks, go: ["one", "two"] }) });
    await bench.addTenants(2, (index) => ({ ring: index === 0 ? "one" : "two" }));
    await play(bench, "1.42.0");
    bench.revise("shop", toRenamed());
    await bench.send("shop-1.42.0", "UPGRADE_STACK");

    await rollBack(bench, "1.42.0");

    expect([await findEnd(bench, "1.42.0", "undo"), await bench.versionsOf()]).toEqual([
      { tally: "done 1, skipped NOT_RESTORED 1", degraded: true, code: "NOT_RESTORED" },
      { t0: "1.42.0", t1: "1.41.0" },
    ]);
    await rollBack(bench, "1.42.0");
    expect(await bench.versionsOf()).toEqual({ t0: "1.41.0", t1: "1.41.0" });
  });

  it("builds again what it has restored, where another key was set by hand since [marathon#660]", async () => {
    const bench = aReleaseYard({ tenant: STAYS, config: { metadata: TWO } });
    await bench.addTenants(2, () => ({ web: "1.41.0" }));
    await play(bench, "1.42.0");
    bench.broken.add("t1");
    await rollBack(bench, "1.42.0");
    bench.broken.clear();
    await bench.send("t1", "PUSHED", { metadata: { web: "by hand" } });

    await bench.send("shop-1.42.0", "RETRY_FAILED_TASKS");
    await bench.finish("1.42.0");

    expect([bench.ran.get("t1"), await findEnd(bench, "1.42.0", "undo")]).toEqual([
      "1.41.0",
      { tally: "done 2", degraded: false },
    ]);
  });
});

it("a stack that is selected no more, and on which the work has failed, is a shortfall [octopus#2642]", async () => {
  const stacks = { machine: "tenant", where: "metadata.ring == 'on'" };
  const bench = aReleaseYard({ tenant: STAYS, config: { stacks } });
  await bench.addTenants(3, () => ({ ring: "on" }));
  bench.broken.add("t1");
  await play(bench, "1.42.0");
  await bench.send("t1", "PUSHED", { metadata: { ring: "off" } });

  await bench.send("shop-1.42.0", "AGAIN");
  await bench.finish("1.42.0");

  expect(await findEnd(bench, "1.42.0")).toEqual({
    tally: "done 2, skipped WORK_MISSING 1",
    degraded: true,
    code: "WORK_MISSING",
  });
});
