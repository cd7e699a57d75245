import { expect, it } from "vitest";
import { aReleaseYard, TENANT } from "../testing/a-release-yard.ts";

// An update that fails is not an arrival, also where the machine of the stack stays on what ran before.

/** After a failed build a tenant stays in LIVE, on what ran before. */
const STAYS = TENANT.replace("on: { NEXT: LIVE, FAILED: BROKEN }", "on: { NEXT: LIVE, FAILED: LIVE }");

it("fails where an update leaves the stack as it was (flagger#1815, octopus#1627)", async () => {
  const bench = aReleaseYard({ tenant: STAYS, config: { concurrency: 1 } });
  await bench.addTenants(3);
  for (const id of ["t0", "t1", "t2"]) bench.broken.add(id);

  await bench.start("1.42.0");
  await bench.finish("1.42.0");

  expect(await bench.tallyOf("1.42.0")).toBe("failed STACK_FAILED 1, unsent 2");
  expect((await bench.rowsOf("1.42.0"))[0]?.message).toBe(
    "build has failed in BUILD. BUILD_FAILED: The build has failed.",
  );
  expect(await bench.taskOf("1.42.0")).toBe("GO ERROR STACK_FAILED");
});

it("counts a stack as arrived after a later success resolves the failure, and sends it nothing more", async () => {
  const bench = aReleaseYard({ tenant: STAYS, config: { maxFailures: 1 } });
  await bench.addTenants(1);
  bench.broken.add("t0");
  await bench.start("1.42.0");
  await bench.finish("1.42.0");
  bench.broken.clear();
  await bench.send("t0", "RELEASED", { metadata: { api: "1.42.0" } });
  await bench.yard.advance(60_000);

  await bench.send("shop-1.42.0", "RETRY_FAILED_TASKS");
  await bench.finish("1.42.0");

  expect(bench.ran.get("t0")).toBe("1.42.0");
});

it("builds again what a person has only moved to where it should rest (kargo#5144)", async () => {
  const tenant = TENANT.replace(
    "BROKEN: { on: { RELEASED: BUILD } }",
    "BROKEN: { on: { RELEASED: BUILD, CHECK: LIVE } }",
  );
  const bench = aReleaseYard({ tenant });
  await bench.addTenants(1);
  bench.broken.add("t0");
  await bench.start("1.42.0");
  await bench.finish("1.42.0");
  await bench.send("t0", "CHECK");
  bench.broken.clear();

  await bench.send("shop-1.42.0", "RETRY_FAILED_TASKS");
  await bench.finish("1.42.0");

  expect(await bench.tallyOf("1.42.0")).toBe("done 1");
  expect(bench.ran.get("t0")).toBe("1.42.0");
});

it("fails when a person rejects the change in the stack itself (keptn#3366)", async () => {
  const tenant = TENANT.replace(
    "BUILD: { tasks: [build], on: { NEXT: LIVE, FAILED: BROKEN } }",
    `REVIEW: { tasks: [sign], on: { NEXT: BUILD, FAILED: LIVE } }
  BUILD: { tasks: [build], on: { NEXT: LIVE, FAILED: BROKEN } }`,
  )
    .replace("RELEASED: BUILD, PUSHED", "RELEASED: REVIEW, PUSHED")
    .replace("tasks:\n  build:", "tasks:\n  sign: { executor: approval, config: { from: [managers] } }\n  build:");
  const bench = aReleaseYard({ tenant });
  await bench.addTenants(1);
  await bench.start("1.42.0");
  await bench.yard.advance(30_000);

  const sender = { kind: "person", id: "ada", name: "ada", groups: ["managers"] } as const;
  const message = { stackId: "t0", event: "REJECT_TASK", task: { name: "sign" }, reason: "not now" };
  await bench.yard.store.enqueue([{ id: "no", stackId: "t0", origin: "external", receivedAt: 0, message, sender }]);
  await bench.finish("1.42.0");

  expect(await bench.tallyOf("1.42.0")).toBe("failed STACK_FAILED 1");
  expect(bench.ran.get("t0")).toBeUndefined();
});

it("sends the version again to a stack that has only its number (argo-rollouts#450)", async () => {
  const bench = aReleaseYard({ tenant: STAYS, config: { maxFailures: 1 } });
  await bench.addTenants(1);
  bench.broken.add("t0");
  await bench.start("1.42.0");
  await bench.finish("1.42.0");
  bench.broken.clear();

  await bench.send("shop-again", "RELEASED", { machine: "shop", metadata: { api: "1.42.0" } });
  await bench.finish("again");

  expect(await bench.tallyOf("again")).toBe("done 1");
  expect(bench.ran.get("t0")).toBe("1.42.0");
});
