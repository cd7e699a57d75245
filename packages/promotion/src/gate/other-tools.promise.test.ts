import { listFreezes, startFreeze } from "@stackyard/core/services";
import { runExecutor } from "@stackyard/core/testing";
import { describe, expect, it } from "vitest";
import { createHolds } from "../holds/create-holds.ts";
import { createGateBench } from "../testing/gate-bench.ts";
import { decideTurn, NEW_TURN, type TurnRecord } from "./decide-turn.ts";
import type { GateConfig } from "./definition.ts";
import { createGateExecutor } from "./gate.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const executor = createGateExecutor();

/** What users of other tools have reported about soaks, queues, alarms and freezes, tried on gates and holds. */
async function createArrived(at: (now: number) => number = (now) => now) {
  const bench = createGateBench();
  const now = bench.clock.now();
  bench.addStack({ id: "shop-staging", metadata: { api: "1.42.0" } });
  const row = { stack: "shop-staging", incarnation: "i1", wave: 0, try: 1, state: "done", at: at(now) } as const;
  await bench.addRows([row], { endedAt: now, firstSentAt: now - MINUTE });
  return { ...bench, now };
}

describe("soaks of other tools", () => {
  it("count the time in the stack: a version that was there for a minute a week ago has not soaked (kargo#3731)", async () => {
    const bench = await createArrived((now) => now - 7 * 24 * HOUR);
    const config: GateConfig = { soak: { of: "staging", for: "24h" } };

    bench.addStack({ id: "shop-staging", metadata: { api: "1.43.0" } });
    expect(await executor.start(bench.toContext(), config as never)).toMatchObject({
      kind: "failed",
      code: "STACK_MOVED",
    });
    // It is back, by a later release: from then on it counts.
    const set = {
      id: "shop-1.42.0-again",
      incarnation: "i",
      createdAt: 9,
      task: "staging",
      event: "x",
      value: "1.42.0",
      at: bench.now,
    };
    bench.addStack({ id: "shop-staging", metadata: { api: "1.42.0" }, releases: { api: set } });
    expect(await executor.start(bench.toContext(), config as never)).toMatchObject({
      progress: { closed: [{ code: "SOAKING", until: bench.now + 24 * HOUR }] },
    });
  });

  it.each(["1m", "7m", "9m", "11m"])(
    "end by themselves after %s, without a change from outside (kargo#4586)",
    async (length) => {
      const bench = await createArrived();

      const { step, elapsedMs } = await runExecutor(
        executor,
        { soak: { of: "staging", for: length } },
        {
          context: bench.toContext(),
        },
      );

      expect([step.kind, elapsedMs]).toEqual(["succeeded", Number.parseInt(length, 10) * MINUTE]);
    },
  );
});

describe("queues of other tools", () => {
  const states = ["REVIEW", "PRODUCTION"];
  const place = (state: string) => ({ incarnation: "i", state, entry: 1, pending: state === "REVIEW" ? ["turn"] : [] });
  const ask = (record: TurnRecord, version: number, places: Readonly<Record<string, string>>) => {
    const waiter = { stack: `shop-1.${version}`, incarnation: "i", createdAt: version, entry: 1, task: "turn" };
    const found = new Map(Object.entries(places).map(([stack, state]) => [stack, place(state)]));
    return decideTurn(record, { waiter, states, mayTake: true, now: 0 }, found);
  };

  it("do not let the next one in while the first is not done (kargo#7032)", () => {
    const { record } = ask(NEW_TURN, 1, {});

    expect(ask(record, 2, { "shop-1.1": "PRODUCTION" }).kind).toBe("waits");
    expect(ask(record, 2, { "shop-1.1": "DONE" }).kind).toBe("granted");
  });

  it("report the one that is skipped, and never skip the newest (devantler-tech/platform#2799)", () => {
    const waiting = { "shop-1.1": "PRODUCTION", "shop-1.2": "REVIEW", "shop-1.3": "REVIEW" };
    let { record } = ask(NEW_TURN, 1, {});
    for (const version of [2, 3]) record = ask(record, version, waiting).record;
    const free = { ...waiting, "shop-1.1": "DONE" };

    const newest = ask(record, 3, free);
    expect(newest.kind).toBe("granted");
    expect(ask(newest.record, 2, free)).toMatchObject({ kind: "superseded", by: "shop-1.3" });
  });

  it("are in the order in which releases were created, however they arrive (spinnaker#4587)", () => {
    const waiting = { "shop-1.1": "PRODUCTION", "shop-1.2": "REVIEW", "shop-1.3": "REVIEW", "shop-1.4": "REVIEW" };
    let { record } = ask(NEW_TURN, 1, {});
    for (const version of [3, 4, 2]) record = ask(record, version, waiting).record;
    const free = { ...waiting, "shop-1.1": "DONE" };

    expect(ask(record, 2, free).kind).toBe("waits");
    expect(ask(record, 3, free).kind).toBe("waits");
    expect(ask(record, 4, free).kind).toBe("granted");
  });

  it("are not blocked by one that was ended while it waited", () => {
    let { record } = ask(NEW_TURN, 1, {});
    for (const version of [2, 3]) record = ask(record, version, { "shop-1.1": "PRODUCTION" }).record;

    expect(ask(record, 2, { "shop-1.1": "DONE", "shop-1.2": "REVIEW", "shop-1.3": "STOPPED" }).kind).toBe("granted");
  });
});

describe("alarms of other tools", () => {
  it("that were on before the first event do not fail it, and are not ignored (copilot-cli#4512)", async () => {
    const bench = await createArrived();
    await bench.clock.advance(10 * MINUTE);
    const config: GateConfig = { soak: { of: "staging", for: "1m" }, alarms: ["errors"] };
    bench.alarms.set("errors", { changes: [[bench.now - HOUR, "ALARM"]] });

    expect(await executor.start(bench.toContext(), config as never)).toMatchObject({
      kind: "running",
      progress: { closed: [{ condition: "alarms", code: "ALARM" }] },
    });
  });

  it("without data are not OK (simpler-grants-gov#1323)", async () => {
    const bench = createGateBench();
    bench.alarms.set("errors", { changes: [[0, "INSUFFICIENT_DATA"]] });

    expect(await executor.start(bench.toContext(), { alarms: ["errors"] } as never)).toMatchObject({
      kind: "running",
      message: expect.stringContaining("has too little data, which counts as closed"),
    });
  });
});

describe("freezes of other tools", () => {
  it("hold nothing before they begin: a freeze begins when it is started (octopus#9621)", async () => {
    const bench = createGateBench();
    const examine = () => createHolds(bench.toContext(), {}).examine({ stackId: "t1", machine: "tenant" });

    expect(await examine()).toEqual({ kind: "open" });
    await startFreeze(bench, { name: "winter", reason: "r", by: "ada" });
    expect(await examine()).toMatchObject({ code: "FROZEN" });
  });

  it("are not texts that only the console enforces: each send asks (argo-cd#11817)", async () => {
    const bench = createGateBench();
    await startFreeze(bench, { name: "winter", reason: "r", by: "ada", to: bench.clock.now() + HOUR });
    const holds = createHolds(bench.toContext(), {});

    expect(await holds.examine({ stackId: "t1", machine: "tenant" })).toMatchObject({ code: "FROZEN" });
    await bench.clock.advance(HOUR);
    expect(await listFreezes(bench)).toEqual([]);
    expect(await createHolds(bench.toContext(), {}).examine({ stackId: "t1", machine: "tenant" })).toEqual({
      kind: "open",
    });
  });
});
