import { tallyByWave } from "@stackyard/core/rollout";
import { describe, expect, it } from "vitest";
import { aReleaseYard } from "../testing/a-release-yard.ts";

describe("an undo", () => {
  it("restores what was before, in reverse, and the earlier releases", async () => {
    const bench = aReleaseYard();
    await bench.addTenants(2);
    await bench.start("1.42.0");
    await bench.finish("1.42.0");
    const before = (await bench.yard.findStack("t0"))?.releases;
    await bench.start("1.43.0");
    await bench.finish("1.43.0");

    await bench.send("shop-1.43.0", "ROLLBACK");
    await bench.finish("1.43.0");

    expect(await bench.versionsOf()).toEqual({ t0: "1.42.0", t1: "1.42.0" });
    // The value is there since the undo.
    expect((await bench.yard.findStack("t0"))?.releases).toEqual({
      api: { ...before?.["api"], at: expect.any(Number) },
    });
    expect(await bench.tallyOf("1.43.0", "undo")).toBe("done 2");
    expect(await bench.tallyOf("1.43.0")).toBe("undone 2");
    const order = async (task: string) => (await bench.rowsOf("1.43.0", task)).map(({ stack }) => stack);
    expect(await order("undo")).toEqual((await order("tenants")).toReversed());
  });

  it("leaves newer releases and changes by hand alone", async () => {
    const bench = aReleaseYard();
    await bench.addTenants(3);
    await bench.start("1.42.0");
    await bench.finish("1.42.0");
    await bench.send("t1", "PUSHED", { metadata: { api: "by hand" } });
    await bench.send("t2", "END");

    await bench.send("shop-1.42.0", "ROLLBACK");
    await bench.finish("1.42.0");

    expect(await bench.versionsOf()).toEqual({ t0: "1.41.0", t1: "by hand" });
    expect(await bench.tallyOf("1.42.0", "undo")).toBe("done 1, skipped STACK_MOVED 1, skipped STACK_REMOVED 1");
    await bench.start("1.43.0");
    await bench.finish("1.43.0");
    await bench.send("shop-1.42.0", "ROLLBACK");
    await bench.finish("1.42.0");
    expect(await bench.versionsOf()).toEqual({ t0: "1.43.0", t1: "1.43.0" });
  });

  it("does not stop at failures; a retry takes those", async () => {
    const bench = aReleaseYard();
    await bench.addTenants(4);
    await bench.start("1.42.0");
    await bench.finish("1.42.0");
    bench.broken.add("t0").add("t1").add("t2");

    await bench.send("shop-1.42.0", "ROLLBACK");
    await bench.finish("1.42.0");

    expect(await bench.taskOf("1.42.0", "undo")).toBe("BACK ERROR UNDO_INCOMPLETE");
    expect(await bench.tallyOf("1.42.0", "undo")).toBe("done 1, failed STACK_BROKEN 3");
    bench.broken.clear();
    await bench.send("shop-1.42.0", "RETRY_FAILED_TASKS");
    await bench.finish("1.42.0");
    expect(await bench.taskOf("1.42.0", "undo")).toBe("DONE");
    expect(await bench.versionsOf()).toEqual({ t0: "1.41.0", t1: "1.41.0", t2: "1.41.0", t3: "1.41.0" });
    expect(await bench.tallyOf("1.42.0", "undo")).toBe("done 4");
    expect((await bench.yard.findStack("t0"))?.state).toBe("LIVE");
  });

  it("that is begun again awaits what the one before has sent, and sees it fail", async () => {
    const bench = aReleaseYard();
    await bench.addTenants(2);
    await bench.start("1.42.0");
    await bench.finish("1.42.0");
    bench.pace.buildMs = 600_000;
    bench.broken.add("t1");

    await bench.send("shop-1.42.0", "ROLLBACK");
    await bench.yard.advance(5_000);
    await bench.send("shop-1.42.0", "ROLLBACK");
    await bench.yard.advance(5_000);
    expect(await bench.taskOf("1.42.0", "undo")).toBe("BACK PENDING");
    await bench.yard.advance(1_200_000);

    expect(await bench.taskOf("1.42.0", "undo")).toBe("BACK ERROR UNDO_INCOMPLETE");
    expect(await bench.tallyOf("1.42.0", "undo")).toBe("done 1, failed STACK_BROKEN 1");
    expect(await bench.tallyOf("1.42.0")).toBe("done 1, undone 1");
  });

  it("that is begun again after some have failed takes those, and no others", async () => {
    const bench = aReleaseYard();
    await bench.addTenants(2);
    await bench.start("1.42.0");
    await bench.finish("1.42.0");
    bench.broken.add("t0");
    await bench.send("shop-1.42.0", "ROLLBACK");
    await bench.finish("1.42.0");
    bench.broken.clear();

    await bench.send("shop-1.42.0", "ROLLBACK");
    await bench.finish("1.42.0");

    expect(await bench.taskOf("1.42.0", "undo")).toBe("DONE");
    expect((await bench.yard.findStack("t0"))?.state).toBe("LIVE");
    expect(await bench.tallyOf("1.42.0")).toBe("undone 2");
  });

  it("counts as undone, not as left alone", async () => {
    const bench = aReleaseYard();
    await bench.addTenants(2);
    await bench.start("1.42.0");
    await bench.finish("1.42.0");
    await bench.send("shop-1.42.0", "ROLLBACK");
    await bench.finish("1.42.0");

    const state = await bench.stateOf("1.42.0");
    expect(tallyByWave(state ?? { tallies: [] })[0]).toMatchObject({ done: 0, unchanged: 0, skipped: 0, undone: 2 });
    expect(state?.curve?.map(({ done }) => done)).toEqual([0, 2, 0]);
  });

  it("undoes what was sent before a stop, and a created stack is left alone", async () => {
    const bench = aReleaseYard({ config: { stacks: "t9", create: "tenant" } });
    await bench.start("1.42.0");
    await bench.finish("1.42.0");
    await bench.send("shop-1.42.0", "ROLLBACK");
    await bench.finish("1.42.0");
    expect(await bench.tallyOf("1.42.0", "undo")).toBe("skipped NO_PREVIOUS 1");
    // Nothing was undone, and that is not a success (helm#13346).
    expect(await bench.taskOf("1.42.0", "undo")).toBe("BACK ERROR UNDO_INCOMPLETE");
    expect(await bench.versionsOf()).toEqual({ t9: "1.42.0" });
  });

  it("does not succeed with nothing when the rows of what was sent may be gone", async () => {
    const bench = aReleaseYard();
    await bench.addTenants(1);
    await bench.start("1.42.0");
    await bench.finish("1.42.0");
    await bench.yard.advance(91 * 86_400_000);

    await bench.send("shop-1.42.0", "ROLLBACK");
    await bench.finish("1.42.0");

    expect(await bench.taskOf("1.42.0", "undo")).toBe("BACK ERROR UNDO_INCOMPLETE");
    expect(
      (await bench.yard.findStack("shop-1.42.0"))?.tasks.find(({ name }) => name === "undo")?.errorMessage,
    ).toContain(
      "Restore its stacks with a release of the earlier version. Then: stackyard stacks settle shop-1.42.0 undo --reason …",
    );
    expect(await bench.versionsOf()).toEqual({ t0: "1.42.0" });
  });

  it("forgets what was before: the next deployment remembers anew", async () => {
    const bench = aReleaseYard();
    await bench.addTenants(1);
    await bench.start("1.42.0");
    await bench.finish("1.42.0");
    await bench.send("shop-1.42.0", "ROLLBACK");
    await bench.finish("1.42.0");
    await bench.send("t0", "PUSHED", { metadata: { api: "1.41.9" } });

    await bench.send("shop-1.42.0", "AGAIN");
    await bench.finish("1.42.0");
    expect(await bench.versionsOf()).toEqual({ t0: "1.42.0" });
    await bench.send("shop-1.42.0", "ROLLBACK");
    await bench.finish("1.42.0");

    expect(await bench.versionsOf()).toEqual({ t0: "1.41.9" });
  });

  it("brings back nothing that was taken back meanwhile (argo-rollouts#3039, helm#5237)", async () => {
    const bench = aReleaseYard();
    await bench.addTenants(3);
    const tell = async (version: string, event: string) => {
      await bench.send(`shop-${version}`, event);
      await bench.finish(version);
    };
    await bench.start("1.42.0");
    await bench.finish("1.42.0");
    await bench.start("1.43.0");
    await bench.finish("1.43.0");
    // 1.44.0 comes to one of them only.
    bench.broken.add("t0").add("t1").add("t2");
    await bench.start("1.44.0");
    await bench.finish("1.44.0");
    bench.broken.clear();

    await tell("1.43.0", "ROLLBACK");
    const between = Object.values(await bench.versionsOf()).toSorted();
    await tell("1.42.0", "ROLLBACK");
    await tell("1.44.0", "ROLLBACK");

    expect(between).toContain("1.44.0");
    expect(new Set(Object.values(await bench.versionsOf()))).toEqual(new Set(["1.41.0"]));
  });

  it("sends to as many at the same time as its task did (argo-rollouts#1259)", async () => {
    const bench = aReleaseYard({ config: { concurrency: 20 } });
    await bench.addTenants(20);
    await bench.start("1.42.0");
    await bench.finish("1.42.0");

    await bench.send("shop-1.42.0", "ROLLBACK");
    await bench.yard.advance(1_000);

    expect(await bench.tallyOf("1.42.0", "undo")).toBe("sent 20");
  });
});
