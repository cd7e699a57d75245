import { describe, expect, it } from "vitest";
import { aPlannedRelease } from "../testing/a-planned-release.ts";
import { type ReleaseYard, TENANT } from "../testing/a-release-yard.ts";
import { hasChanged, toAims } from "./plan-entry.ts";
import { findPlan } from "./plan-records.ts";

const VERSION = "1.42.0";
const RELEASE = `shop-${VERSION}`;

/** After a failed build a tenant stays in LIVE, with the values of the build. */
const STAYS = TENANT.replace("FAILED: BROKEN", "FAILED: LIVE");

type Happens = (bench: ReleaseYard) => Promise<unknown>;

async function build(bench: ReleaseYard, does: "fails" | "succeeds"): Promise<void> {
  if (does === "fails") bench.broken.add("t0");
  await bench.send("t0", "RELEASED", { metadata: { api: VERSION } });
  await bench.yard.advance(60_000);
  bench.broken.clear();
}

async function listChanged({ yard }: ReleaseYard): Promise<readonly string[]> {
  const [loaded] = await yard.store.load([RELEASE]);
  const digest = String(loaded?.stack?.metadata["plan"]);
  const plan = await findPlan({ records: yard.store.records, clock: yard.clock }, digest);
  const [task] = plan?.tasks ?? [];
  if (loaded?.stack === undefined || plan === undefined || task === undefined) throw new Error("There is no plan.");
  const aims = toAims(task, loaded.stack, yard.clock.now());
  const stacks = new Map((await yard.store.load(["t0"])).map((each) => [each.stackId, each]));
  return plan.entries.flatMap((entry) => {
    const present = stacks.get(entry.stack);
    return present !== undefined && hasChanged(entry, present, aims) ? [`${entry.does} ${entry.stack}`] : [];
  });
}

async function plan(before: Happens, after: Happens): Promise<ReleaseYard> {
  const bench = aPlannedRelease({ maxFailures: 1 }, { tenant: STAYS });
  await bench.addTenants(1);
  await before(bench);
  await bench.start(VERSION);
  await bench.yard.advance(10_000);
  await after(bench);
  return bench;
}

const nothing = async () => undefined;
const pushed: Happens = (bench) => bench.send("t0", "PUSHED", { metadata: { api: "by hand" } });
const built: Happens = (bench) => build(bench, "succeeds");
const failed: Happens = (bench) => build(bench, "fails");

describe("a stack is not as planned", () => {
  it.each<readonly [string, Happens, Happens, string]>([
    ["when a build with the values that it has already fails", built, failed, "same t0"],
    ["when a build with the values that it has already succeeds at last", failed, built, "move t0"],
    ["when it has another value", nothing, pushed, "move t0"],
  ])("%s, and gets nothing", async (_, before, after, changed) => {
    const bench = await plan(before, after);

    expect(await listChanged(bench)).toEqual([changed]);
    await bench.send(RELEASE, "PLANNED");
    await bench.finish(VERSION);
    expect(await bench.tallyOf(VERSION)).toBe("failed PLAN_STALE 1");
  });

  it.each<readonly [string, Happens, Happens]>([
    ["a check has succeeded", built, (bench) => bench.send("t0", "CHECK")],
    ["a build with its values has failed as before", failed, failed],
    ["it moves, to what nothing knows yet", nothing, (bench) => bench.send("t0", "CHECK")],
  ])("only when something of it is otherwise: %s", async (_, before, after) => {
    expect(await listChanged(await plan(before, after))).toEqual([]);
  });

  it("only when something else than the release has changed it", async () => {
    const bench = await plan(nothing, async (each) => {
      await each.send(RELEASE, "PLANNED");
      await each.finish(VERSION);
    });

    expect(await bench.tallyOf(VERSION)).toBe("done 1");
    expect(await listChanged(bench)).toEqual([]);
  });
});
