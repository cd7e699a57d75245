import { endFreeze, exceptRelease, startFreeze } from "@stackyard/core/services";
import { describe, expect, it } from "vitest";
import { end, hold } from "../deploy/decide-row.ts";
import type { DeployRow } from "../deploy/deploy-row.ts";
import type { HoldConfig, HoldInput } from "../hold.ts";
import { createGateBench } from "../testing/gate-bench.ts";
import { createHolds } from "./create-holds.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const OFFICE = 'version: 1\nzone: Europe/Berlin\nopen: [{ days: mon-sun, from: "09:00", to: "16:00" }]\n';
const winter = { name: "winter", reason: "Christmas", by: "ada" };

function createBench() {
  const bench = createGateBench();
  bench.calendars.set("office", OFFICE);
  bench.addStack({ id: "t1", machine: "tenant", metadata: { tier: "gold", zone: "America/New_York" } });
  const look = (config: HoldConfig = {}, input: Partial<HoldInput> = {}) => {
    const stack = bench.stacks.get("t1");
    return createHolds(bench.toContext(), config).examine({
      stackId: "t1",
      machine: "tenant",
      ...(stack && { stack }),
      ...input,
    });
  };
  return { ...bench, look };
}

/** Moves the clock to an instant of the next days. */
async function moveTo(bench: ReturnType<typeof createBench>, hour: number): Promise<void> {
  const now = bench.clock.now();
  const day = 24 * HOUR;
  await bench.clock.advance(day - (now % day) + hour * HOUR);
}

describe("holds: window", () => {
  it("is closed until the calendar opens, with that instant and how to bypass it", async () => {
    const bench = createBench();
    await moveTo(bench, 20);

    const hold = await bench.look({ window: "office" });

    expect(hold).toMatchObject({
      kind: "closed",
      code: "WINDOW_CLOSED",
      message: expect.stringMatching(
        /^The calendar "office" is closed until .*Z \(Europe\/Berlin\)\. Change calendars\/office\.yaml to send earlier\.$/,
      ),
      until: expect.any(Number),
    });
    await bench.clock.advance((hold.kind === "closed" ? (hold.until ?? 0) : 0) - bench.clock.now());
    expect(await bench.look({ window: "office" })).toEqual({ kind: "open" });
  });

  it("is in the zone of each stack where the calendar says so, and closed for one without a zone", async () => {
    const bench = createBench();
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholder of calendars
    bench.calendars.set("local", OFFICE.replace("Europe/Berlin", '"${stack.metadata.zone}"'));
    await moveTo(bench, 10);

    expect(await bench.look({ window: "office" })).toEqual({ kind: "open" });
    expect(await bench.look({ window: "local" })).toMatchObject({ code: "WINDOW_CLOSED" });
    bench.addStack({ id: "t1", metadata: { zone: "Europe/Berlin" } });
    expect(await bench.look({ window: "local" })).toEqual({ kind: "open" });
    for (const metadata of [{ zone: "Mars" }, { zone: 7 }, { zone: "2020-01-01T00:00[Europe/Berlin]" }]) {
      bench.addStack({ id: "t1", metadata });
      expect(await bench.look({ window: "local" })).toMatchObject({ code: "GATE_UNAVAILABLE" });
    }
  });

  it("is closed for a calendar that is missing, has errors or cannot be read", async () => {
    const bench = createBench();
    bench.calendars.set("broken", "version: 1\nzone: Nowhere\nopen: []");
    await moveTo(bench, 10);

    expect(await bench.look({ window: "nope" })).toMatchObject({
      code: "GATE_UNAVAILABLE",
      message: expect.stringContaining("calendars/nope.yaml does not exist. Create it"),
    });
    expect(await bench.look({ window: "broken" })).toMatchObject({
      code: "GATE_UNAVAILABLE",
      message: expect.stringContaining("calendars/broken.yaml has errors at 3:7"),
    });
    expect(await bench.look({ window: "../../etc/passwd" })).toMatchObject({ code: "GATE_UNAVAILABLE" });
    bench.broken.add("calendars");
    expect(await bench.look({ window: "office" })).toMatchObject({ code: "GATE_UNAVAILABLE" });
  });
});

describe("holds: freezes", () => {
  it("hold stacks of the machine that fit, until they end or the release passes", async () => {
    const bench = createBench();
    const to = bench.clock.now() + HOUR;
    await startFreeze(bench, { ...winter, machine: "tenant", where: "metadata.tier == 'gold'", to });

    expect(await bench.look()).toEqual({
      kind: "closed",
      code: "FROZEN",
      freeze: "winter",
      message: `The freeze "winter" of ada holds t1 until ${new Date(to).toISOString().replace(".000", "")}: Christmas. To bypass it: stackyard freezes except winter shop-1.42.0 --reason …`,
      until: to,
    });
    bench.addStack({ id: "t1", metadata: { tier: "silver" } });
    expect(await bench.look()).toEqual({ kind: "open" });
    bench.addStack({ id: "t1", metadata: { tier: "gold" }, machine: "other" });
    expect(await bench.look()).toEqual({ kind: "open" });
    bench.addStack({ id: "t1", machine: "tenant" });
    await exceptRelease(bench, "winter", { release: "shop-1.42.0", incarnation: "e1", reason: "outage", by: "bob" });
    expect(await bench.look()).toEqual({ kind: "open" });
  });

  it("hold again what is a release of the same id later, and nothing after their end", async () => {
    const bench = createBench();
    await startFreeze(bench, winter);
    await exceptRelease(bench, "winter", { release: "shop-1.42.0", incarnation: "e0", reason: "outage", by: "bob" });

    expect(await bench.look()).toMatchObject({ code: "FROZEN" });
    await endFreeze(bench, "winter");
    expect(await bench.look()).toEqual({ kind: "open" });
  });

  it("hold a stack that does not exist yet, and one of which it cannot be decided", async () => {
    const bench = createBench();
    await startFreeze(bench, { ...winter, where: "metadata.tier == 'gold'" });
    bench.stacks.delete("t1");
    expect(await bench.look()).toMatchObject({
      code: "FROZEN",
      message: expect.stringContaining("does not exist yet"),
    });

    bench.addStack({ id: "t1", metadata: { tier: "silver" } });
    bench.broken.add("yard");
    expect(await bench.look()).toMatchObject({ kind: "closed" });
  });

  it("are named by the rows that wait for them, also by one with a long id, and by no others", async () => {
    const bench = createBench();
    const stackId = "t".repeat(255);
    bench.addStack({ id: stackId, machine: "tenant" });
    await startFreeze(bench, winter);
    const found = await bench.look({}, { stackId });
    if (found.kind !== "closed") throw new Error("The freeze holds nothing.");
    const row: DeployRow = { stack: stackId, wave: 0, try: 0, state: "waiting", at: 0 };
    const held = hold(row, { now: 1 }, found);

    expect(held.freeze).toBe("winter");
    expect(end(held, { now: 2 }, { state: "skipped" })).not.toHaveProperty("freeze");
    expect(hold(held, { now: 2 }, { code: "STACK_MOVING", message: "It moves." })).not.toHaveProperty("freeze");
  });

  it("are closed when the records cannot be read", async () => {
    const bench = createBench();
    await bench.records.put({ key: "freezes/x", value: "?", expected: "absent", now: 0 });

    expect(await bench.look()).toMatchObject({ kind: "closed", code: "GATE_UNAVAILABLE" });
  });
});

describe("holds: alarms", () => {
  it("wait for one that is on, and fail for one that went off after the first event", async () => {
    const bench = createBench();
    const now = bench.clock.now();
    await bench.clock.advance(10 * MINUTE);
    bench.alarms.set("errors", { changes: [[now, "ALARM"]] });

    expect(await bench.look({ alarms: ["errors"] })).toMatchObject({ kind: "closed", code: "ALARM" });
    expect(await bench.look({ alarms: ["errors"] }, { since: now - 1 })).toMatchObject({
      kind: "fails",
      code: "ALARM",
    });
    expect(await bench.look({ alarms: ["errors"] }, { since: now + 1 })).toMatchObject({ kind: "closed" });
  });

  it("fail also while a freeze or a window is closed, and are read once in a call", async () => {
    const bench = createBench();
    const now = bench.clock.now();
    await startFreeze(bench, winter);
    await bench.clock.advance(MINUTE);
    bench.alarms.set("errors", { changes: [[now + 1, "ALARM"]] });
    const holds = createHolds(bench.toContext(), { alarms: ["errors"], window: "nope" });

    for (const stackId of ["t1", "t2", "t3"]) {
      expect(await holds.examine({ stackId, machine: "tenant", since: now })).toMatchObject({ kind: "fails" });
    }
    expect(bench.calls).toEqual(["DescribeAlarmsCommand"]);
  });
});

it("names the hold that opens last: all must be open", async () => {
  const bench = createBench();
  await moveTo(bench, 20);
  await startFreeze(bench, { ...winter, to: bench.clock.now() + 48 * HOUR });

  expect(await bench.look({ window: "office" })).toMatchObject({ code: "FROZEN" });
  await endFreeze(bench, "winter");
  await startFreeze(bench, { ...winter, to: bench.clock.now() + MINUTE });
  expect(await bench.look({ window: "office" })).toMatchObject({ code: "WINDOW_CLOSED" });
});
