import { evaluateHealth } from "@stackyard/core/engine";
import { describe, expect, it } from "vitest";
import { aPlannedRelease } from "../testing/a-planned-release.ts";
import { aReleaseYard, type ReleaseYard, TENANT, TO_TENANTS, toReleaseMachine } from "../testing/a-release-yard.ts";

const MINUTE = 60_000;

/** After a failed build a tenant stays in LIVE, on what ran before. */
const STAYS = TENANT.replace("FAILED: BROKEN", "FAILED: LIVE").replace(
  "on: { NEXT: LIVE } }",
  "on: { NEXT: LIVE, FAILED: LIVE } }",
);

const OF_API = TO_TENANTS.metadata.api;

/** Two keys, of which releases set both. */
const TWO = {
  tenant: TENANT.replace("metadata: { api:", "metadata: { web: { type: string }, api:").replace(
    "RELEASED: { metadata: [api] }",
    "RELEASED: {}",
  ),
  config: { metadata: { api: OF_API, web: OF_API } },
};

async function play(bench: ReleaseYard, version: string): Promise<void> {
  await bench.start(version);
  await bench.finish(version);
}

async function rollBack(bench: ReleaseYard, version: string) {
  await bench.send(`shop-${version}`, "ROLLBACK");
  await bench.finish(version);
  return [await bench.taskOf(version, "undo"), await bench.tallyOf(version, "undo"), await isDegraded(bench, version)];
}

async function isDegraded(bench: ReleaseYard, version: string): Promise<boolean> {
  const release = await bench.yard.findStack(`shop-${version}`);
  return release !== undefined && evaluateHealth(release).degraded;
}

describe("a build that has failed, and a check that succeeds after it [argo-cd#29410, argo-cd#19771]", () => {
  async function playFailed() {
    const bench = aReleaseYard({ tenant: STAYS });
    await bench.addTenants(1);
    bench.broken.add("t0");
    await play(bench, "1.42.0");
    bench.broken.clear();
    await bench.send("t0", "CHECK");
    await bench.yard.advance(MINUTE);
    return bench;
  }

  it.each(["RETRY_FAILED_TASKS", "AGAIN"])("is built by %s", async (event) => {
    const bench = await playFailed();

    await bench.send("shop-1.42.0", event);
    await bench.finish("1.42.0");

    expect([bench.ran.get("t0"), await bench.tallyOf("1.42.0")]).toEqual(["1.42.0", "done 1"]);
  });

  it("is built by a second release of the version", async () => {
    const bench = await playFailed();

    await bench.send("shop-b", "RELEASED", { machine: "shop", metadata: { api: "1.42.0" } });
    await bench.finish("b");

    expect([bench.ran.get("t0"), await bench.tallyOf("b")]).toEqual(["1.42.0", "done 1"]);
  });
});

describe("an undo", () => {
  it("finds what a task has sent under its name before [octopus#2547, octopus#7242]", async () => {
    const bench = aReleaseYard();
    await bench.addTenants(3);
    await play(bench, "1.42.0");
    const tasks = {
      production: { executor: "deploy", config: TO_TENANTS },
      undo: { executor: "deploy", config: { op: "undo", of: "production" } },
    };
    bench.revise("shop", toReleaseMachine({ tasks, go: ["production"] }));
    await bench.send("shop-1.42.0", "UPGRADE_STACK");

    const [, tally] = await rollBack(bench, "1.42.0");

    expect([tally, new Set(Object.values(await bench.versionsOf()))]).toEqual(["done 3", new Set(["1.41.0"])]);
  });

  it("restores the other keys of a release that has brought a new one [syndesis#2499, marathon#4046]", async () => {
    const bench = aReleaseYard(TWO);
    await bench.addTenants(3);
    await play(bench, "1.42.0");

    const [, tally] = await rollBack(bench, "1.42.0");

    expect([tally, new Set(Object.values(await bench.versionsOf()))]).toEqual(["done 3", new Set(["1.41.0"])]);
  });

  it("restores the key that nobody has changed since, and leaves the other [marathon#660]", async () => {
    const bench = aReleaseYard(TWO);
    await bench.addTenants(3, () => ({ web: "1.41.0" }));
    await play(bench, "1.42.0");
    await bench.send("t0", "RELEASED", { metadata: { web: "by hand" } });
    await bench.yard.advance(MINUTE);

    const [, tally] = await rollBack(bench, "1.42.0");

    expect([tally, (await bench.yard.findStack("t0"))?.metadata]).toMatchObject([
      "done 3",
      { api: "1.41.0", web: "by hand" },
    ]);
  });

  it("says that it has given a version back which never ran", async () => {
    const bench = aReleaseYard({ tenant: STAYS });
    await bench.addTenants(2);
    bench.broken.add("t0");
    await bench.send("t0", "RELEASED", { metadata: { api: "1.40.9" } });
    await bench.yard.advance(MINUTE);
    bench.broken.clear();
    await play(bench, "1.42.0");

    const [, tally, degraded] = await rollBack(bench, "1.42.0");

    expect([tally, degraded]).toEqual(["done 2", true]);
  });
});

it.each([5, 16])("the second release of %i keys arrives as the first", async (count) => {
  const keys = ["api", ...Array.from({ length: count - 1 }, (_, index) => `image_${index}`)];
  const declared = keys.slice(1).map((key) => `${key}: { type: string }, `);
  const tenant = TENANT.replace("metadata: { api:", `metadata: { ${declared.join("")}api:`);
  const config = { metadata: Object.fromEntries(keys.map((key) => [key, OF_API])) };
  const bench = aReleaseYard({ tenant: tenant.replace("RELEASED: { metadata: [api] }", "RELEASED: {}"), config });
  await bench.addTenants(2, () => Object.fromEntries(keys.map((key) => [key, "v".repeat(1_000)])));
  for (const version of ["1.42.0", "1.43.0", "1.44.0"]) await play(bench, version);

  const [, tally] = await rollBack(bench, "1.44.0");

  expect([tally, await bench.versionsOf()]).toEqual(["done 2", { t0: "1.43.0", t1: "1.43.0" }]);
});

it("a retry waits for the rest of the pause before its wave [argo-rollouts#3120]", async () => {
  const waves = [{ name: "half", share: "50%", pause: "2h" }, { name: "rest" }];
  const bench = aReleaseYard({ config: { waves } });
  await bench.addTenants(2);
  await bench.start("1.42.0");
  await bench.yard.advance(2 * MINUTE);
  await bench.send("shop-1.42.0", "CANCEL_TASK", { task: { name: "tenants" } });
  await bench.finish("1.42.0");
  await bench.send("shop-1.42.0", "RETRY_FAILED_TASKS");

  await bench.yard.advance(2 * MINUTE);
  const paused = await bench.tallyOf("1.42.0");
  await bench.yard.advance(120 * MINUTE);

  expect([paused, await bench.tallyOf("1.42.0")]).toEqual(["done 1, waiting 1", "done 2"]);
});

it("a plan covers what its tasks read, not only what the release sends [terraform#36183]", async () => {
  const bench = aPlannedRelease({}, { tenant: TENANT.replace("PUSHED: { metadata: [api] }", "PUSHED: {}") });
  await bench.addTenants(2, () => ({ size: "small" }));
  await bench.start("1.42.0");
  await bench.yard.advance(10_000);
  await bench.send("t0", "PUSHED", { metadata: { size: "xlarge" } });

  await bench.send("shop-1.42.0", "PLANNED");
  await bench.finish("1.42.0");

  expect(await bench.taskOf("1.42.0")).toBe("GO ERROR PLAN_STALE");
});

it("the second release of a version waits for the rest of the pause of its canary [kargo PR 6591]", async () => {
  const waves = [{ name: "half", share: "50%", pause: "2h" }, { name: "rest" }];
  const bench = aReleaseYard({ config: { waves } });
  await bench.addTenants(2);
  await bench.start("1.42.0");
  await bench.yard.advance(60 * MINUTE);

  await bench.send("shop-b", "RELEASED", { machine: "shop", metadata: { api: "1.42.0" } });
  await bench.yard.advance(50 * MINUTE);
  const paused = await bench.tallyOf("b");
  await bench.yard.advance(15 * MINUTE);

  expect([paused, await bench.tallyOf("b")]).toEqual(["unchanged 1, waiting 1", "done 1, unchanged 1"]);
});
