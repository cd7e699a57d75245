import { endFreeze, startFreeze } from "@stackyard/core/services";
import { describe, expect, it } from "vitest";
import { createHolds } from "../holds/create-holds.ts";
import { toPlannedMachine } from "../testing/a-planned-release.ts";
import { aReleaseYard, type ReleaseYard, type ReleaseYardInput, TENANT } from "../testing/a-release-yard.ts";

const HOUR = 3_600_000;
const MONITORED = TENANT.replace("  END: {}", "  END: {}\n  UNHEALTHY: {}").replace(
  "CHECK: CHECKING,",
  "CHECK: CHECKING, UNHEALTHY: BROKEN,",
);
interface Wave {
  readonly name: string;
  readonly where?: string;
  readonly pause?: string;
  readonly min?: number;
}
const CANARY: Wave = { name: "canary", where: "metadata.ring == 'canary'" };
const WAVES: readonly Wave[] = [{ ...CANARY, pause: "2h" }, { name: "rest" }];
const CANARIES = { waves: WAVES };

const ofRing = (index: number) => ({ ring: index < 2 ? "canary" : "rest" });

/** Starts a release over two canaries and three others; an hour of the pause is over. */
async function startCanaries(input: ReleaseYardInput = {}): Promise<ReleaseYard> {
  const bench = aReleaseYard({ tenant: MONITORED, config: CANARIES, ...input });
  await bench.addTenants(5, ofRing);
  await bench.start("1.42.0");
  await bench.yard.advance(HOUR);
  return bench;
}

async function countOf({ versionsOf }: ReleaseYard, version: string): Promise<number> {
  return Object.values(await versionsOf()).filter((each) => each === version).length;
}

describe("what has arrived in an ended wave is checked again before the next one begins", () => {
  it("a canary that breaks in the pause keeps the rest from the version (flagger#1815, flagger#30)", async () => {
    const bench = await startCanaries();
    await bench.send("t0", "UNHEALTHY");
    await bench.finish("1.42.0");

    expect(await bench.taskOf("1.42.0")).toBe("GO ERROR STACK_BROKEN");
    expect(await bench.tallyOf("1.42.0")).toBe("done 1, failed STACK_BROKEN 1, unsent 3");
    expect(await countOf(bench, "1.42.0")).toBe(2);
  });

  it("so does one whose task fails, one that was set by hand, and one that was made anew", async () => {
    const failing = await startCanaries();
    failing.broken.add("t1");
    await failing.send("t1", "RELEASED", { metadata: { api: "1.42.0" } });
    await failing.finish("1.42.0");
    const byHand = await startCanaries();
    await byHand.send("t1", "PUSHED", { metadata: { api: "1.40.0" } });
    await byHand.finish("1.42.0");
    const anew = await startCanaries();
    await anew.send("t1", "REMOVE_STACK", { force: true, reason: "test" });
    await anew.send("t1", "OPENED", { machine: "tenant", metadata: { api: "1.41.0" } });
    await anew.finish("1.42.0");

    const codes = [];
    for (const bench of [failing, byHand, anew]) codes.push(await bench.taskOf("1.42.0"));
    expect(codes).toEqual(["GO ERROR STACK_BROKEN", "GO ERROR STACK_MOVED", "GO ERROR STACK_MOVED"]);
  });

  it("counts against the failures that its wave may have, and a check that is under way does not", async () => {
    const bench = await startCanaries({ config: { ...CANARIES, maxFailures: 1 } });
    await bench.send("t0", "UNHEALTHY");
    await bench.yard.advance(HOUR - 5_000);
    await bench.send("t1", "CHECK");
    await bench.finish("1.42.0");

    expect(await bench.taskOf("1.42.0")).toBe("DONE");
    expect(await bench.tallyOf("1.42.0")).toBe("done 4, failed STACK_BROKEN 1");
  });

  it("so does one that breaks while the others of its wave are still on their way", async () => {
    const bench = aReleaseYard({
      tenant: MONITORED,
      config: { waves: [{ ...CANARY, pause: "1s" }, { name: "rest" }] },
    });
    bench.pace.spreadMs = 600_000;
    await bench.addTenants(5, ofRing);
    await bench.start("1.42.0");
    await bench.yard.advance(60_000);
    await bench.send("t0", "UNHEALTHY");
    const during = await bench.tallyOf("1.42.0");
    await bench.finish("1.42.0");

    expect([during, await bench.tallyOf("1.42.0")]).toEqual([
      "done 1, sent 1, waiting 3",
      "done 1, failed STACK_BROKEN 1, unsent 3",
    ]);
  });

  it("so does the release, of the last wave, before it ends", async () => {
    const bench = aReleaseYard({ tenant: MONITORED });
    bench.pace.spreadMs = 600_000;
    await bench.addTenants(2);
    await bench.start("1.42.0");
    await bench.yard.advance(60_000);
    await bench.send("t0", "UNHEALTHY");
    await bench.finish("1.42.0");

    expect(await bench.taskOf("1.42.0")).toBe("GO ERROR STACK_BROKEN");
  });

  it("so does one that breaks after its pause, while a freeze holds the next wave", async () => {
    const bench = await startCanaries({ createHolds });
    const deps = { records: bench.yard.store.records, clock: bench.yard.clock };
    await startFreeze(deps, { name: "winter", reason: "test", by: "ada", machine: "tenant" });
    await bench.yard.advance(3 * HOUR);
    await bench.send("t0", "UNHEALTHY");
    await endFreeze(deps, "winter");
    await bench.finish("1.42.0");

    expect(await bench.tallyOf("1.42.0")).toBe("done 1, failed STACK_BROKEN 1, unsent FROZEN 3");
  });

  it("so does one that breaks before a retry within a later wave", async () => {
    const bench = await startCanaries({ config: { ...CANARIES, concurrency: 1 } });
    const [first] = (await bench.rowsOf("1.42.0")).filter(({ wave }) => wave === 1);
    bench.broken.add(first?.stack ?? "");
    await bench.finish("1.42.0");
    expect(await bench.tallyOf("1.42.0")).toBe("done 2, failed STACK_BROKEN 1, unsent 2");
    bench.broken.clear();
    await bench.send("t0", "UNHEALTHY");
    await bench.send("shop-1.42.0", "RETRY_FAILED_TASKS");
    await bench.finish("1.42.0");

    expect(await bench.tallyOf("1.42.0")).toBe("done 1, failed STACK_BROKEN 1, unsent 3");
    await bench.send("shop-1.42.0", "RETRY_FAILED_TASKS");
    await bench.finish("1.42.0");
    expect([await bench.taskOf("1.42.0"), await bench.tallyOf("1.42.0")]).toEqual(["DONE", "done 5"]);
  });

  it("canaries that were all removed in the pause have tried nothing for the others", async () => {
    const bench = await startCanaries();
    for (const id of ["t0", "t1"]) await bench.send(id, "REMOVE_STACK", { force: true, reason: "test" });
    await bench.finish("1.42.0");

    expect(await bench.taskOf("1.42.0")).toBe("GO ERROR TOO_FEW_STACKS");
    expect(await bench.tallyOf("1.42.0")).toBe("skipped STACK_REMOVED 2, unsent 3");
  });

  it("leaves out one that was removed, and one that has something newer", async () => {
    const bench = await startCanaries();
    await bench.send("t1", "REMOVE_STACK", { force: true, reason: "test" });
    await bench.finish("1.42.0");

    expect(await bench.tallyOf("1.42.0")).toBe("done 4, skipped STACK_REMOVED 1");
    expect(await bench.taskOf("1.42.0")).toBe("DONE");
  });
});

describe("a canary that is frozen and skipped", () => {
  const freeze = (where: string) => ({ name: "winter", reason: "test", by: "ada", machine: "tenant", where });

  async function startFrozen(where: string, waves = CANARIES.waves) {
    const bench = aReleaseYard({ createHolds, config: { waves, skipFrozen: true } });
    await bench.addTenants(5, ofRing);
    const deps = { records: bench.yard.store.records, clock: bench.yard.clock };
    await startFreeze(deps, freeze(where));
    await bench.start("1.42.0");
    await bench.finish("1.42.0");
    return { ...bench, thaw: () => endFreeze(deps, "winter") };
  }

  it("keeps the rest from the version, which none has tried; a retry after the freeze begins with it (octopus#9253)", async () => {
    const bench = await startFrozen("metadata.ring == 'canary'");

    expect(await bench.taskOf("1.42.0")).toBe("GO ERROR TOO_FEW_STACKS");
    expect(await bench.tallyOf("1.42.0")).toBe("skipped FROZEN 2, unsent 3");
    await bench.thaw();
    await bench.send("shop-1.42.0", "RETRY_FAILED_TASKS");
    await bench.yard.advance(HOUR);
    expect(await bench.tallyOf("1.42.0")).toBe("done 2, waiting 3");
    await bench.finish("1.42.0");
    expect([await bench.taskOf("1.42.0"), await bench.tallyOf("1.42.0")]).toEqual(["DONE", "done 5"]);
  });

  it("is enough where another canary has tried it, or where its min says so", async () => {
    const one = await startFrozen("stack.id == 't0'");
    const none = await startFrozen("metadata.ring == 'canary'", [
      { name: "canary", where: "metadata.ring == 'canary'", pause: "2h", min: 0 },
      { name: "rest" },
    ]);

    expect([await one.taskOf("1.42.0"), await one.tallyOf("1.42.0")]).toEqual(["DONE", "done 4, skipped FROZEN 1"]);
    expect([await none.taskOf("1.42.0"), await none.tallyOf("1.42.0")]).toEqual(["DONE", "done 3, skipped FROZEN 2"]);
  });
});

describe("the end of a task", () => {
  it("checks all that has arrived again, so that a green release means that every stack runs it", async () => {
    const bench = aReleaseYard({ tenant: MONITORED, config: { concurrency: 1 } });
    await bench.addTenants(3);
    await bench.start("1.42.0");
    await bench.yard.advance(8_000);
    const [first] = (await bench.rowsOf("1.42.0")).filter(({ state }) => state === "done");
    await bench.send(first?.stack ?? "", "UNHEALTHY");
    await bench.finish("1.42.0");

    expect(await bench.taskOf("1.42.0")).toBe("GO ERROR STACK_BROKEN");
  });

  it("a retry repairs what has broken since it arrived", async () => {
    const bench = await startCanaries();
    await bench.send("t0", "UNHEALTHY");
    await bench.finish("1.42.0");
    await bench.send("shop-1.42.0", "RETRY_FAILED_TASKS");
    await bench.finish("1.42.0");

    expect([await bench.taskOf("1.42.0"), await bench.tallyOf("1.42.0")]).toEqual(["DONE", "done 5"]);
  });
});

describe("a wave without stacks", () => {
  const typo = (min?: number) => ({
    waves: [
      { name: "canary", where: "metadata.ring == 'canray'", pause: "2h", ...(min === 0 && { min }) },
      { name: "rest" },
    ],
  });

  it("is refused where it has a where, before anything is sent (argo-cd#22558, argo-cd#22852)", async () => {
    const bench = await startCanaries({ config: typo() });

    expect(await bench.taskOf("1.42.0")).toBe("GO ERROR TOO_FEW_STACKS");
    expect(await countOf(bench, "1.42.0")).toBe(0);
  });

  it("is passed where its min says so", async () => {
    const bench = await startCanaries({ config: typo(0) });

    expect([await bench.taskOf("1.42.0"), await countOf(bench, "1.42.0")]).toEqual(["DONE", 5]);
  });

  it("is named in the plan, and the plan of one that needs a stack fails", async () => {
    const plans = [];
    for (const min of [undefined, 0]) {
      const bench = aReleaseYard({ release: toPlannedMachine(typo(min)) });
      await bench.addTenants(2, ofRing);
      await bench.start("1.42.0");
      await bench.yard.advance(60_000);
      const stack = await bench.yard.findStack("shop-1.42.0");
      plans.push(
        stack?.tasks.map(({ errorCode }) => errorCode),
        JSON.stringify(await bench.yard.listHistory("shop-1.42.0")),
      );
    }

    expect(plans[0]).toContain("TOO_FEW_STACKS");
    expect(plans[3]).toContain("Without stacks: canary.");
  });
});

it("a where may end with a comment, also where a wave has one", async () => {
  const config = {
    stacks: { machine: "tenant", where: "metadata.tier != 'internal' // not ours" },
    waves: [{ name: "canary", where: "metadata.ring == 'canary' // first" }, { name: "rest" }],
  };
  const bench = await startCanaries({ config });

  expect(await bench.taskOf("1.42.0")).toBe("DONE");
});

describe("a stack that has something newer", () => {
  it("is passed by, and does not stop the others (gocd#4776, azure-devops-docs#5156)", async () => {
    const bench = await startCanaries();
    const hotfix = bench.start("1.42.1");
    await hotfix;
    await bench.finish("1.42.0");
    await bench.finish("1.42.1");

    expect(await bench.taskOf("1.42.0")).toBe("DONE");
  });
});
