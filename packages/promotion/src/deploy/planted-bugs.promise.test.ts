import type { Executor } from "@stackyard/core";
import { expect, it } from "vitest";
import { aReleaseYard } from "../testing/a-release-yard.ts";
import { plantBug, sendBeforeRows } from "../testing/plant-bug.ts";
import { playMortalRelease, WHOLE } from "../testing/play-mortal-release.ts";

it("finds an event that is sent before its row", { timeout: 60_000 }, async () => {
  const found: number[] = [];
  // The first event of the release is sent among these calls.
  for (let call = 20; call < 35; call += 1) {
    const { hasDied, ...played } = await playMortalRelease({ call, when: "after" }, { plant: sendBeforeRows }).catch(
      () => ({ hasDied: true }),
    );
    if (JSON.stringify(played) !== JSON.stringify(WHOLE)) found.push(call);
  }
  expect(found.length).toBeGreaterThan(0);
});

/** The version that a tenant had when its row was done, with the version that was sent before. */
async function playOldLive(plant?: (executor: Executor) => Executor): Promise<string> {
  const bench = aReleaseYard({ config: { again: true }, ...(plant && { plant }) });
  await bench.addTenants(1, () => ({ api: "1.42.0" }));
  bench.broken.add("t0");
  await bench.start("1.42.0");
  await bench.finish("1.42.0");
  return bench.tallyOf("1.42.0");
}

/** Its events are queued ten seconds late. */
const late = (executor: Executor, lies: boolean): Executor =>
  plantBug(executor, ({ clock }, yard) => ({
    yard: {
      async send(events) {
        void clock.sleep(10_000).then(() => yard.send(events));
        return events.map((event) => ({ kind: "sent", eventId: yard.toEventId(event) }));
      },
      ...(lies && { findOutcome: async () => ({ outcome: "applied", at: 0 }) }),
    },
  }));

it("finds a row that is done by an old LIVE", async () => {
  expect(await playOldLive()).toBe("failed STACK_BROKEN 1");
  expect(await playOldLive((executor) => late(executor, false))).toBe("failed STACK_BROKEN 1");

  expect(await playOldLive((executor) => late(executor, true))).toBe("done 1");
});

/** The version of a tenant after 1.42 was undone, when 1.43 had come meanwhile. */
async function playLateUndo(plant?: (executor: Executor) => Executor): Promise<unknown> {
  const bench = aReleaseYard(plant ? { plant } : {});
  await bench.addTenants(1);
  await bench.start("1.42.0");
  await bench.finish("1.42.0");
  await bench.start("1.43.0");
  await bench.finish("1.43.0");
  await bench.send("shop-1.42.0", "ROLLBACK");
  await bench.finish("1.42.0");
  return (await bench.versionsOf())["t0"];
}

/** Takes every stack for one that has this release and its values. */
const blind = (executor: Executor): Executor =>
  plantBug(executor, ({ task, stackId }, yard) => ({
    yard: {
      async load(ids) {
        const { createdAt, incarnation } = await yard.own();
        const loaded = await yard.load(ids);
        if (task !== "undo") return loaded;
        return loaded.map((each) => {
          if (each.stack === undefined) return each;
          const api = { id: stackId, incarnation, createdAt, task: "tenants", event: "e", value: "1.42.0", at: 0 };
          return { ...each, stack: { ...each.stack, metadata: { api: "1.42.0" }, releases: { api } } };
        });
      },
    },
  }));

it("finds an undo of a newer release", async () => {
  expect(await playLateUndo()).toBe("1.43.0");
  expect(await playLateUndo(blind)).toBe("1.41.0");
});
