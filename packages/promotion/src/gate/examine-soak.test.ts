import { aStack, toValueDigest } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import type { DeployRow } from "../deploy/deploy-row.ts";
import { createGateBench } from "../testing/gate-bench.ts";
import type { GateConfig } from "./definition.ts";
import { createGateExecutor } from "./gate.ts";

const HOUR = 3_600_000;
const STACKS = 1_000;
const SOAK: GateConfig = { soak: { of: "staging", for: "24h" } };

/** A gate over many stacks that have arrived just now. `loads`: how many stacks each look has loaded, once per call. */
async function createSoak() {
  const bench = createGateBench();
  const now = bench.clock.now();
  const ids = Array.from({ length: STACKS }, (_, index) => `t${index}`);
  for (const id of ids) bench.addStack({ id, metadata: { api: "1.42.0" } });
  const rows = ids.map((stack): DeployRow => ({ stack, incarnation: "i1", wave: 0, try: 1, state: "done", at: now }));
  await bench.addRows(rows, { endedAt: now, firstSentAt: now, isRule: true });
  const gate = createGateExecutor();
  return {
    ...bench,
    now,
    /** Looks once, and returns the result with the number of stacks that were loaded for it. */
    async look() {
      bench.calls.length = 0;
      const step = await gate.start(bench.toContext(), SOAK as never);
      const loads = bench.calls.flatMap((call) => (call.startsWith("load ") ? [Number(call.slice(5))] : []));
      return { step, loaded: loads.reduce((sum, count) => sum + count, 0) };
    },
  };
}

describe("the time of a soak", () => {
  it("begins again after trouble that leaves no trace in the stack, such as a stall", async () => {
    const soak = await createSoak();
    const gate = createGateExecutor();
    const poll = async (before: unknown) => {
      const step = await gate.poll?.(soak.toContext(), SOAK as never, before as never);
      return step?.kind === "running" ? step.progress : step;
    };
    const begun = await poll({});
    await soak.clock.advance(HOUR);
    soak.addStack({ id: "t1", stalled: { code: "LOOP_LIMIT", reason: "circles" } });
    const stalled = await poll(begun);
    const { stalled: _, ...rest } = soak.stacks.get("t1") ?? aStack();
    soak.stacks.set("t1", rest);

    expect(stalled).toMatchObject({ closed: [{ code: "STACK_STALLED" }] });
    expect(await poll(stalled)).toMatchObject({ closed: [{ code: "SOAKING", until: soak.now + 25 * HOUR }] });
  });
});

describe("the reads of a soak", () => {
  it("are of all stacks at first and before it opens, and between of those that have changed", async () => {
    const soak = await createSoak();
    const loaded: number[] = [(await soak.look()).loaded];
    for (let hour = 1; hour <= 23; hour += 1) {
      await soak.clock.advance(HOUR);
      loaded.push((await soak.look()).loaded);
    }
    soak.addStack({ id: "t7", state: "CHECKING", tasks: [{ name: "check", status: "PENDING" }] });
    soak.addStack({ id: "another", state: "LIVE" });
    loaded.push((await soak.look()).loaded);
    await soak.clock.advance(HOUR);
    const { step, loaded: last } = await soak.look();

    expect(loaded).toEqual([STACKS, ...Array.from({ length: 23 }, () => 0), 1]);
    expect([step.kind, last]).toEqual(["succeeded", STACKS]);
  });

  it("notice at once what has failed, and what begins its time again", async () => {
    const soak = await createSoak();
    await soak.look();
    const keys = { api: toValueDigest(soak.stacks.get("t500") ?? aStack(), "api") };
    const deed = { event: "RELEASED", at: soak.now, restedAt: soak.now + HOUR, keys };
    const lacks = { check: { why: "failed", entry: 2, attempt: 1 } } as const;

    soak.addStack({ id: "t500", deed: "e", deeds: { e: { ...deed, lacks } } });
    const failed = await soak.look();
    const again = await soak.look();
    soak.addStack({ id: "t500", deed: "e", deeds: { e: { ...deed, restedAt: soak.now + 2 * HOUR } } });
    const resolved = await soak.look();

    expect(failed).toMatchObject({ loaded: 1, step: { progress: { closed: [{ code: "STACK_FAILED" }] } } });
    expect(again).toMatchObject({ loaded: 0, step: { progress: { closed: [{ code: "STACK_FAILED" }] } } });
    // Those behind the failed one were not examined before.
    expect(resolved).toMatchObject({
      loaded: STACKS,
      step: { progress: { closed: [{ until: soak.now + 26 * HOUR }] } },
    });
  });

  it("notice a stack that was changed or removed", async () => {
    const soak = await createSoak();
    await soak.look();
    soak.stacks.delete("t1");
    expect(await soak.look()).toMatchObject({ loaded: 1, step: { kind: "running" } });
    soak.addStack({ id: "t2", metadata: { api: "1.41.0" } });

    expect(await soak.look()).toMatchObject({ loaded: 1, step: { kind: "failed", code: "STACK_MOVED" } });
  });

  it("notice a stack that the machine may no longer read, which is not a removed one", async () => {
    const soak = await createSoak();
    await soak.look();
    soak.hidden.add("t1");
    await soak.clock.advance(24 * HOUR);
    const hidden = await soak.look();
    soak.hidden.delete("t1");

    expect(hidden.step).toMatchObject({
      kind: "running",
      progress: {
        closed: [{ code: "STACK_HIDDEN", message: expect.stringContaining("may no longer be read by this release") }],
      },
    });
    expect((await soak.look()).step.kind).toBe("succeeded");
  });

  it("are of all stacks again when the task has sent anew", async () => {
    const soak = await createSoak();
    await soak.look();
    const rows = [{ stack: "t3", incarnation: "i1", wave: 0, try: 2, state: "done", at: soak.now }] as const;
    await soak.addRows([...rows], { endedAt: soak.now, attempt: 2 });

    expect((await soak.look()).loaded).toBe(1);
  });
});
