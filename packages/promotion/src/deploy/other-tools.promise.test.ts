import { describe, expect, it } from "vitest";
import { aReleaseYard, TO_TENANTS, toReleaseMachine } from "../testing/a-release-yard.ts";

/** What users of other tools have reported about releases to many targets, tried on `deploy`. */
describe("failures of other tools", () => {
  it("stop a deployment: it does not move on to the next target (octopus#7078)", async () => {
    const waves = [{ name: "first", where: "stack.id == 't0'" }, { name: "rest" }];
    const bench = aReleaseYard({ config: { concurrency: 1, waves } });
    await bench.addTenants(3);
    bench.broken.add("t0");
    await bench.start("1.42.0");
    await bench.finish("1.42.0");

    expect(await bench.tallyOf("1.42.0")).toBe("failed STACK_BROKEN 1, unsent 2");
  });

  it("of one target, within those that are allowed, do not keep the others from the next task (octopus#3732)", async () => {
    const tasks = {
      tenants: { executor: "deploy", config: { ...TO_TENANTS, maxFailures: 1 } },
      after: { executor: "deploy", needs: ["tenants"], config: { ...TO_TENANTS, stacks: "t1", again: true } },
    };
    const bench = aReleaseYard({ release: toReleaseMachine({ tasks, go: ["tenants", "after"] }) });
    await bench.addTenants(2);
    bench.broken.add("t0");
    await bench.start("1.42.0");
    await bench.finish("1.42.0");

    expect(await bench.tallyOf("1.42.0")).toBe("done 1, failed STACK_BROKEN 1");
    expect(await bench.taskOf("1.42.0")).toBe("DONE");
  });

  it("stay failures, however often the task is retried (octopus#2882)", async () => {
    const bench = aReleaseYard();
    await bench.addTenants(1);
    bench.broken.add("t0");
    await bench.start("1.42.0");
    await bench.finish("1.42.0");
    for (let retry = 0; retry < 11; retry += 1) {
      await bench.send("shop-1.42.0", "RETRY_FAILED_TASKS");
      await bench.finish("1.42.0");
    }

    expect(await bench.taskOf("1.42.0")).toBe("GO ERROR STACK_BROKEN");
  });

  it("are retried alone: what has arrived is not run again (terramate#1949, terragrunt#3183)", async () => {
    const bench = aReleaseYard();
    await bench.addTenants(3);
    bench.broken.add("t1");
    await bench.start("1.42.0");
    await bench.finish("1.42.0");
    bench.broken.clear();
    await bench.send("shop-1.42.0", "RETRY_FAILED_TASKS");
    await bench.finish("1.42.0");

    const tries = (await bench.rowsOf("1.42.0")).map((row) => [row.stack, row.try]);
    expect(Object.fromEntries(tries)).toEqual({ t0: 1, t1: 2, t2: 1 });
    expect(await bench.tallyOf("1.42.0")).toBe("done 3");
  });

  it("of the first environment keep the version from the next (atlantis#2076)", async () => {
    const tasks = {
      tenants: { executor: "deploy", config: { ...TO_TENANTS, stacks: "t0" } },
      production: { executor: "deploy", needs: ["tenants"], config: { ...TO_TENANTS, stacks: "t1" } },
    };
    const bench = aReleaseYard({ release: toReleaseMachine({ tasks, go: ["tenants", "production"] }) });
    await bench.addTenants(2);
    bench.broken.add("t0");
    await bench.start("1.42.0");
    await bench.yard.advance(60_000);

    expect(await bench.versionsOf()).toMatchObject({ t1: "1.41.0" });
    expect(await bench.rowsOf("1.42.0", "production")).toEqual([]);
    expect(await bench.taskOf("1.42.0")).toBe("GO ERROR STACK_BROKEN");
  });
});

describe("ways back of other tools", () => {
  it("skip what was rolled back itself: after B and C have failed, A runs (shipit-deploy#22)", async () => {
    const bench = aReleaseYard();
    await bench.addTenants(1);
    for (const version of ["1.42.0", "1.43.0"]) {
      await bench.start(version);
      await bench.finish(version);
      await bench.send(`shop-${version}`, "ROLLBACK");
      await bench.finish(version);
    }

    expect(await bench.versionsOf()).toEqual({ t0: "1.41.0" });
  });

  it("do not keep the next new version away (keel#1254)", async () => {
    const bench = aReleaseYard();
    await bench.addTenants(1);
    await bench.start("1.42.0");
    await bench.finish("1.42.0");
    await bench.send("shop-1.42.0", "ROLLBACK");
    await bench.finish("1.42.0");

    await bench.start("1.43.0");
    await bench.finish("1.43.0");

    expect(await bench.versionsOf()).toEqual({ t0: "1.43.0" });
  });

  it("bring those that had arrived to one version, when another failed (keel#814)", async () => {
    const bench = aReleaseYard();
    await bench.addTenants(3);
    bench.broken.add("t2");
    await bench.start("1.42.0");
    await bench.finish("1.42.0");
    bench.broken.clear();
    await bench.send("shop-1.42.0", "ROLLBACK");
    await bench.finish("1.42.0");

    expect(await bench.versionsOf()).toEqual({ t0: "1.41.0", t1: "1.41.0", t2: "1.41.0" });
  });

  it("restore each value as it was, in each target (argo-cd#110)", async () => {
    const bench = aReleaseYard();
    await bench.addTenants(2);
    await bench.send("t1", "PUSHED", { metadata: { api: "1.40.9" } });
    await bench.start("1.42.0");
    await bench.finish("1.42.0");
    await bench.send("shop-1.42.0", "ROLLBACK");
    await bench.finish("1.42.0");

    expect(await bench.versionsOf()).toEqual({ t0: "1.41.0", t1: "1.40.9" });
  });
});

describe("arrivals of other tools", () => {
  it("do not count for a target that has not worked on the new version yet (flux2#125)", async () => {
    const bench = aReleaseYard();
    await bench.addTenants(1);
    bench.pace.buildMs = 60_000;
    await bench.start("1.42.0");
    await bench.yard.advance(30_000);

    expect(await bench.tallyOf("1.42.0")).toBe("sent 1");
    expect(await bench.taskOf("1.42.0")).toBe("GO PENDING");
  });

  it("are made again where the task says so, also with the version that is there (kargo#1826)", async () => {
    const bench = aReleaseYard({ config: { again: true } });
    await bench.addTenants(1);
    await bench.start("1.41.0");
    await bench.finish("1.41.0");

    const entries = await bench.yard.listHistory("t0");
    expect(entries.filter(({ event }) => event === "RELEASED")).toHaveLength(1);
    expect(await bench.tallyOf("1.41.0")).toBe("done 1");
  });

  it("are awaited of a target that another release has just moved (kargo#699)", async () => {
    const bench = aReleaseYard();
    await bench.addTenants(1);
    await bench.start("1.42.0");
    await bench.start("1.43.0");
    await bench.finish("1.43.0");

    expect(await bench.versionsOf()).toEqual({ t0: "1.43.0" });
    expect(await bench.tallyOf("1.43.0")).toBe("done 1");
  });

  it("of a target that is not selected are not required: it is left alone (octopus#6693)", async () => {
    const bench = aReleaseYard({ config: { stacks: { machine: "tenant", where: "metadata.tier == 'gold'" } } });
    await bench.addTenants(2, (index) => ({ tier: index === 0 ? "gold" : "silver" }));
    await bench.start("1.42.0");
    await bench.finish("1.42.0");

    expect(await bench.versionsOf()).toEqual({ t0: "1.42.0", t1: "1.41.0" });
    expect(await bench.taskOf("1.42.0")).toBe("DONE");
  });
});
