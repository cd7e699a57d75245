import { startFreeze } from "@stackyard/core/services";
import { expect, it } from "vitest";
import { createHolds } from "../holds/create-holds.ts";
import { toPlannedMachine } from "../testing/a-planned-release.ts";
import { aReleaseYard, type ReleaseYard, TO_TENANTS, toReleaseMachine } from "../testing/a-release-yard.ts";
import { plantBug } from "../testing/plant-bug.ts";

/** All that readers of a release see of it: its record, its history and the messages of its attempts, as they go by. */
async function readAll({ yard }: ReleaseYard, id: string): Promise<string> {
  const attempts = await yard.store.queries.listAttempts(id);
  return JSON.stringify([await yard.findStack(id), await yard.listHistory(id), attempts]);
}

// In a yard for many customers one of them would read names and errors of others in the page of a release: what is hidden in
// one place is shown by a summary elsewhere, as in CVE-2021-21624.
it("a release names in its texts neither stacks nor what is wrong with them: counts and codes only", async () => {
  const bench = aReleaseYard({ config: { maxFailures: 1, concurrency: 2 } });
  await bench.addTenants(4);
  bench.broken.add("t0").add("t1").add("t2").add("t3");
  const seen: string[] = [];

  await bench.start("1.42.0");
  for (let turn = 0; turn < 60; turn += 1) {
    await bench.yard.advance(1_000);
    seen.push(await readAll(bench, "shop-1.42.0"));
  }

  expect(await bench.taskOf("1.42.0")).toBe("GO ERROR STACK_BROKEN");
  expect(seen.join("\n")).not.toMatch(/\bt[0-9]\b|BUILD_FAILED|The build has failed|in BROKEN/);
  const { tasks } = (await bench.yard.findStack("shop-1.42.0")) ?? {};
  expect(tasks?.[0]?.errorMessage).toBe(
    "2 of 4 stacks have failed. 2 were not sent. STACK_BROKEN 2. Which, and why: stackyard deploys show shop-1.42.0 tenants",
  );
  // The rows, of which each reader sees a part, say it.
  expect((await bench.rowsOf("1.42.0"))[0]?.message).toMatch("The stack is in BROKEN. build has failed in BUILD.");
});

it("a release that is held back says by what, and not which stacks are", async () => {
  const bench = aReleaseYard({ createHolds });
  await bench.addTenants(3);
  const { store, clock } = bench.yard;
  const freeze = { name: "of-t1", reason: "t1 moves", by: "ada", machine: "tenant", where: "stack.id == 't1'" };
  await startFreeze({ records: store.records, clock }, freeze);

  await bench.start("1.42.0");
  await bench.yard.advance(60_000);
  const seen = await readAll(bench, "shop-1.42.0");

  expect(seen).toContain(
    "2 arrived, 0 on their way, 1 to be sent, 0 failed. Held back by a freeze. Which: stackyard deploys",
  );
  expect(seen).not.toMatch(/\bt[0-9]\b/);
  const open = await store.queries.listAttempts("shop-1.42.0");
  expect(open.filter(({ status }) => status === "suspended")).toMatchObject([{ heldBy: "FROZEN" }]);
});

it("a gate does not name the release that has the turn: who may read that one sees it on the board", async () => {
  const bench = aReleaseYard({
    release: toReleaseMachine({
      tasks: {
        turn: { executor: "gate", config: { turn: { name: "prod", states: ["GO"] } } },
        tenants: { executor: "deploy", needs: ["turn"], config: { ...TO_TENANTS, each: "6h" } },
      },
      go: ["turn", "tenants"],
    }),
  });
  await bench.addTenants(1);
  bench.pace.buildMs = 3_600_000;
  for (const version of ["1.42.0", "1.43.0", "1.44.0"]) {
    await bench.start(version);
    await bench.yard.advance(10_000);
  }
  const during = await readAll(bench, "shop-1.43.0");
  await bench.yard.advance(2 * 3_600_000);
  const after = await readAll(bench, "shop-1.43.0");

  expect(during).toContain("is with another release. It is free when that one leaves GO");
  expect(during).toContain("Which: stackyard board shop");
  expect(after).toContain("went to a newer release.");
  expect(during + after).not.toMatch(/shop-1\.4[24]\.0/);
});

it("a soak names neither the stacks of a rule nor what is wrong with them", async () => {
  const tasks = {
    tenants: { executor: "deploy", config: TO_TENANTS },
    soak: { executor: "gate", needs: ["tenants"], config: { soak: { of: "tenants", for: "2h" } } },
  };
  const bench = aReleaseYard({ release: toReleaseMachine({ tasks, go: ["tenants", "soak"] }) });
  await bench.addTenants(3);
  await bench.start("1.42.0");
  await bench.yard.advance(60_000);
  const seen: string[] = [];
  const look = async (stackId: string, event: string, body?: object) => {
    await bench.send(stackId, event, body);
    await bench.yard.advance(180_000);
    seen.push(await readAll(bench, "shop-1.42.0"));
  };

  bench.broken.add("t0");
  await look("t0", "RELEASED", { metadata: { api: "1.42.0" } });
  bench.broken.clear();
  await look("t0", "RELEASED", { metadata: { api: "1.42.0" } });
  await look("t1", "PAUSE");
  await look("t2", "PUSHED", { metadata: { api: "by hand" } });

  expect(seen.join("\n")).not.toMatch(/\bt[0-9]\b|BUILD_FAILED|The build has failed|in BROKEN/);
  expect(seen[0]).toContain("One of the stacks does not soak.");
  expect(await bench.taskOf("1.42.0", "soak")).toBe("GO ERROR STACK_MOVED");
});

it("a release and its plan say how many stacks its machine has no grant for", async () => {
  const unseen = 7;
  const bench = aReleaseYard({
    release: toPlannedMachine(),
    plant: (executor) =>
      plantBug(executor, (_, yard) => ({
        yard: { select: async (input) => ({ ...(await yard.select(input)), unseen }) },
      })),
  });
  await bench.addTenants(3);

  await bench.start("1.42.0");
  await bench.yard.advance(10_000);
  const line = (await bench.yard.listHistory("shop-1.42.0")).find(({ outputs }) => outputs !== undefined);
  await bench.send("shop-1.42.0", "PLANNED");
  await bench.finish("1.42.0");

  expect(line?.outputs).toMatchObject({
    unseen,
    summary: expect.stringContaining("7 of 10 are not seen by its grant."),
  });
  expect((await bench.stateOf("1.42.0"))?.unseen).toBe(unseen);
});
