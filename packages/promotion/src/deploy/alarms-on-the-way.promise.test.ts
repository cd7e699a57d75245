import { describe, expect, it } from "vitest";
import type { CreateHolds, Hold } from "../hold.ts";
import { aReleaseYard } from "../testing/a-release-yard.ts";
import { findAlarmsSince } from "./deploy-row.ts";

/** Alarms that a test switches: since the first event they are final. */
function someAlarms() {
  const alarms = { raised: false, isReadable: true, reads: 0 };
  const look = (): Hold => {
    alarms.reads += 1;
    if (!alarms.isReadable) return { kind: "closed", code: "GATE_UNAVAILABLE", message: "No answer." };
    return alarms.raised ? { kind: "fails", code: "ALARM", message: "Errors." } : { kind: "open" };
  };
  const createHolds: CreateHolds = () => ({ examine: async () => look(), watch: async () => look() });
  return { alarms, createHolds };
}

describe("alarms of a deployment", () => {
  it("fail it also while nothing is left to be sent: what is on its way is awaited", async () => {
    const { alarms, createHolds } = someAlarms();
    const bench = aReleaseYard({ createHolds });
    await bench.addTenants(3);
    bench.pace.buildMs = 600_000;
    await bench.start("1.42.0");
    await bench.yard.advance(4_000);
    expect(await bench.tallyOf("1.42.0")).toBe("sent 3");

    alarms.raised = true;
    await bench.yard.advance(30_000);
    alarms.raised = false;
    expect(await bench.taskOf("1.42.0")).toBe("GO PENDING");
    await bench.finish("1.42.0");

    expect(await bench.taskOf("1.42.0")).toBe("GO ERROR ALARM");
    expect(await bench.tallyOf("1.42.0")).toBe("done 3");
  });

  it("fail it when they are on at the moment the last stack arrives", async () => {
    const { alarms, createHolds } = someAlarms();
    const bench = aReleaseYard({ createHolds });
    await bench.addTenants(1);
    await bench.start("1.42.0");
    await bench.yard.advance(2_000);

    alarms.raised = true;
    await bench.finish("1.42.0");

    expect(await bench.taskOf("1.42.0")).toBe("GO ERROR ALARM");
  });

  it("fail it during the pause between two waves: nothing more is sent", async () => {
    const { alarms, createHolds } = someAlarms();
    const waves = [{ name: "half", share: "50%", pause: "2h" }, { name: "rest" }];
    const bench = aReleaseYard({ createHolds, config: { waves } });
    await bench.addTenants(2);
    await bench.start("1.42.0");
    await bench.yard.advance(60_000);
    expect(await bench.tallyOf("1.42.0")).toBe("done 1, waiting 1");

    alarms.raised = true;
    await bench.yard.advance(120_000);

    expect(await bench.taskOf("1.42.0")).toBe("GO ERROR ALARM");
    expect(await bench.tallyOf("1.42.0")).toBe("done 1, unsent 1");
  });

  it("keep it open while they cannot be read: it does not succeed unseen", async () => {
    const { alarms, createHolds } = someAlarms();
    const bench = aReleaseYard({ createHolds });
    await bench.addTenants(1);
    await bench.start("1.42.0");
    await bench.yard.advance(2_000);

    alarms.isReadable = false;
    await bench.yard.advance(60_000);
    expect(await bench.taskOf("1.42.0")).toBe("GO PENDING");
    expect(await bench.tallyOf("1.42.0")).toBe("done 1");
    alarms.isReadable = true;
    await bench.finish("1.42.0");

    expect(await bench.taskOf("1.42.0")).toBe("DONE");
  });

  it("are forgotten by a retry: the person has seen them", async () => {
    const { alarms, createHolds } = someAlarms();
    const bench = aReleaseYard({ createHolds, config: { concurrency: 1 } });
    await bench.addTenants(2);
    await bench.start("1.42.0");
    await bench.yard.advance(2_000);
    alarms.raised = true;
    await bench.finish("1.42.0");
    expect(await bench.tallyOf("1.42.0")).toBe("done 1, unsent 1");

    alarms.raised = false;
    await bench.send("shop-1.42.0", "RETRY_FAILED_TASKS");
    await bench.finish("1.42.0");

    expect(await bench.taskOf("1.42.0")).toBe("DONE");
    expect(await bench.tallyOf("1.42.0")).toBe("done 2");
  });

  it("that go off after such a retry are final for what follows, also when it has nothing to send", async () => {
    const { alarms, createHolds } = someAlarms();
    const bench = aReleaseYard({ createHolds });
    await bench.addTenants(1);
    await bench.start("1.42.0");
    await bench.yard.advance(2_000);
    alarms.raised = true;
    await bench.finish("1.42.0");
    const before = await bench.stateOf("1.42.0");

    await bench.yard.advance(60_000);
    alarms.raised = false;
    const retriedAt = bench.yard.clock.now();
    await bench.send("shop-1.42.0", "RETRY_FAILED_TASKS");
    await bench.finish("1.42.0");

    const after = await bench.stateOf("1.42.0");
    expect(await bench.taskOf("1.42.0")).toBe("DONE");
    expect(after?.firstSentAt).toBe(before?.firstSentAt);
    expect(after && findAlarmsSince(after)).toBeGreaterThanOrEqual(retriedAt);
  });

  it("are read every ten seconds, not at each poll", async () => {
    const { alarms, createHolds } = someAlarms();
    const bench = aReleaseYard({ createHolds });
    await bench.addTenants(1);
    bench.pace.buildMs = 100_000;
    await bench.start("1.42.0");
    await bench.finish("1.42.0");

    expect(alarms.reads).toBeGreaterThanOrEqual(9);
    expect(alarms.reads).toBeLessThanOrEqual(14);
  });
});
