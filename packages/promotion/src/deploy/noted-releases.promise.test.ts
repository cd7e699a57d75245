import { describe, expect, it } from "vitest";
import { aReleaseYard, type ReleaseYard } from "../testing/a-release-yard.ts";

/** Two tenants: 1.42.0 has come to the first only, and 1.43.0 is there by hand when the release 1.43.0 comes. */
async function aReleaseThatFindsItsVersion() {
  const bench = aReleaseYard({ config: { maxFailures: 0, concurrency: 1 } });
  await bench.addTenants(2);
  bench.broken.add("t0").add("t1");
  await bench.start("1.42.0");
  await bench.finish("1.42.0");
  bench.broken.clear();
  for (const id of ["t0", "t1"]) await bench.send(id, "RELEASED", { metadata: { api: "1.43.0" } });
  await bench.yard.advance(60_000);
  await bench.start("1.43.0");
  await bench.finish("1.43.0");
  return bench;
}

async function tell({ send, finish }: ReleaseYard, version: string, event: string): Promise<void> {
  await send(`shop-${version}`, event);
  await finish(version);
}

const BOTH = (version: string) => ({ t0: version, t1: version });

describe("a release that finds its version", () => {
  it("is not passed by the retry of an older one (openbesluitvorming#283, gocd#1735)", async () => {
    const bench = await aReleaseThatFindsItsVersion();
    const built = [...bench.ran];

    await tell(bench, "1.42.0", "RETRY_FAILED_TASKS");

    expect(await bench.tallyOf("1.43.0")).toBe("unchanged 2");
    expect(await bench.tallyOf("1.42.0")).toBe("skipped NEWER_RELEASE 2");
    expect(await bench.taskOf("1.42.0")).toBe("GO ERROR NEWER_RELEASE");
    expect(await bench.versionsOf()).toEqual(BOTH("1.43.0"));
    expect([...bench.ran]).toEqual(built);
  });

  it("changes nothing of a stack but its release", async () => {
    const bench = await aReleaseThatFindsItsVersion();
    const stack = await bench.yard.findStack("t0");
    const [line] = (await bench.yard.listHistory("t0")).toReversed();

    expect(stack?.releases).toMatchObject({ api: { id: "shop-1.43.0", value: "1.43.0" } });
    expect([line?.outcome, line?.from, line?.to]).toEqual(["applied", "LIVE", "LIVE"]);
    expect([...bench.ran.values()]).toEqual(["1.43.0", "1.43.0"]);
  });

  it("keeps it when a release that has set it before is undone, and gives back what was before both", async () => {
    const bench = aReleaseYard();
    await bench.addTenants(2);
    await bench.start("1.42.0");
    await bench.finish("1.42.0");
    await bench.send("shop-again", "RELEASED", { machine: "shop", metadata: { api: "1.42.0" } });
    await bench.finish("again");
    const built = bench.ran.get("t0");

    await tell(bench, "1.42.0", "ROLLBACK");

    expect([await bench.tallyOf("again"), built]).toEqual(["unchanged 2", "1.42.0"]);
    expect(await bench.tallyOf("1.42.0", "undo")).toBe("skipped STACK_MOVED 2");
    expect(await bench.taskOf("1.42.0", "undo")).toBe("BACK ERROR UNDO_INCOMPLETE");
    expect(await bench.versionsOf()).toEqual(BOTH("1.42.0"));

    await tell(bench, "again", "ROLLBACK");

    expect(await bench.tallyOf("again", "undo")).toBe("done 2");
    expect(await bench.versionsOf()).toEqual(BOTH("1.41.0"));
    expect((await bench.yard.findStack("t0"))?.releases).toBeUndefined();
  });

  it("is undone without a build while the release that has set it stands", async () => {
    const bench = aReleaseYard();
    await bench.addTenants(2);
    await bench.start("1.42.0");
    await bench.finish("1.42.0");
    const before = (await bench.yard.findStack("t0"))?.releases;
    await bench.send("shop-again", "RELEASED", { machine: "shop", metadata: { api: "1.42.0" } });
    await bench.finish("again");
    const { entry } = (await bench.yard.findStack("t0")) ?? {};

    await tell(bench, "again", "ROLLBACK");

    expect(await bench.tallyOf("again", "undo")).toBe("done 2");
    expect(await bench.yard.findStack("t0")).toMatchObject({ entry, releases: before });
    await tell(bench, "1.42.0", "ROLLBACK");
    expect(await bench.versionsOf()).toEqual(BOTH("1.41.0"));
  });

  it("that finds it at some is undone at all of them (harness-core#53867)", async () => {
    const bench = aReleaseYard();
    await bench.addTenants(4, (index) => (index < 2 ? { api: "1.42.0" } : {}));
    await bench.start("1.42.0");
    await bench.finish("1.42.0");
    const built = await bench.tallyOf("1.42.0");

    await tell(bench, "1.42.0", "ROLLBACK");

    expect([built, await bench.tallyOf("1.42.0", "undo")]).toEqual(["done 2, unchanged 2", "done 4"]);
    expect(await bench.versionsOf()).toEqual({ t0: "1.42.0", t1: "1.42.0", t2: "1.41.0", t3: "1.41.0" });
    expect((await bench.yard.findStack("t0"))?.releases).toBeUndefined();
    // What was taken back is sent again (kots#2747).
    await tell(bench, "1.42.0", "AGAIN");
    expect(await bench.tallyOf("1.42.0")).toBe("done 2, unchanged 2");
  });

  it("counts as unchanged also when it is begun again", async () => {
    const bench = await aReleaseThatFindsItsVersion();

    await tell(bench, "1.43.0", "AGAIN");

    expect(await bench.tallyOf("1.43.0")).toBe("unchanged 2");
    const lines = (await bench.yard.listHistory("t0")).filter(({ release }) => release?.id === "shop-1.43.0");
    expect(lines.map(({ outcome }) => outcome)).toEqual(["applied"]);
  });

  it("brings nothing back that was taken back by a release that is gone since (samson#2366)", async () => {
    const bench = aReleaseYard();
    await bench.addTenants(1);
    await bench.start("1.42.0");
    await bench.finish("1.42.0");
    await bench.start("1.43.0");
    await bench.finish("1.43.0");
    await tell(bench, "1.42.0", "ROLLBACK");
    await bench.send("shop-1.42.0", "REMOVE_STACK", { force: true, reason: "test" });

    await tell(bench, "1.43.0", "ROLLBACK");

    expect(await bench.versionsOf()).toEqual({ t0: "1.41.0" });
  });
});
