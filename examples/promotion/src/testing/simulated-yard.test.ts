import { describe, expect, it } from "vitest";
import { createSimulatedYard, PEOPLE, type SimulatedYard } from "./simulated-yard.ts";

const TENANTS = Array.from({ length: 21 }, (_, index) => `t${String(index).padStart(2, "0")}`);
const CANARIES = ["t00", "t01"];
const INTERNAL = "t20";

/** Staging, production and 21 tenants with 1.41.0: two canaries, and an internal one that releases leave alone. */
async function open(at = "2026-01-05T07:55:00Z"): Promise<SimulatedYard> {
  const bench = createSimulatedYard();
  await bench.skipTo(at);
  const api = "1.41.0";
  for (const id of ["shop-staging", "shop-prod"])
    await bench.send(id, "OPENED", { machine: "shop", metadata: { api } });
  for (const id of TENANTS) {
    const ring = CANARIES.includes(id) ? "canary" : "rest";
    const tier = id === INTERNAL ? "internal" : "gold";
    await bench.send(id, "OPENED", { machine: "tenant", metadata: { api, ring, tier } });
  }
  return bench;
}

const RELEASE = "shop-1.42.0";
const start = (
  { send }: SimulatedYard,
  event = "RELEASED",
  sender = PEOPLE.ada as (typeof PEOPLE)[keyof typeof PEOPLE],
) => send(RELEASE, event, { machine: "shop-release", metadata: { api: "1.42.0" } }, sender);

async function countVersions({ versionsOf }: SimulatedYard) {
  const { "shop-staging": staging, "shop-prod": production, ...tenants } = await versionsOf();
  const moved = Object.values(tenants).filter((version) => version === "1.42.0").length;
  return { staging, production, tenants: moved };
}

const ALL = { staging: "1.42.0", production: "1.42.0", tenants: TENANTS.length - 1 };

describe("the machine of this example", { timeout: 300_000 }, () => {
  it("moves a version through staging, production and the tenants in waves", async () => {
    // A Sunday: the soak ends on Monday, an hour before the office opens.
    const bench = await open("2026-01-04T07:00:00Z");

    await start(bench);
    await bench.pass(23 * 60);
    expect(await bench.stateOf(RELEASE)).toBe("STAGING");
    await bench.until(RELEASE, "REVIEW", 2);
    await bench.pass(5);
    await bench.approve(RELEASE);
    await bench.pass(30);
    expect(await countVersions(bench)).toEqual({ staging: "1.42.0", production: "1.41.0", tenants: 0 });
    await bench.until(RELEASE, "DONE", 24 * 5);

    expect(await countVersions(bench)).toEqual(ALL);
    const [production = ""] = await bench.arrivedAt("shop-prod");
    expect(isOffice(production), production).toBe(true);
    const [canary = ""] = await bench.arrivedAt("t00");
    expect(toMinutes(canary) - toMinutes(production)).toBeGreaterThanOrEqual(30);
    const later = await Promise.all(
      TENANTS.slice(2, -1).map(async (id) => toMinutes((await bench.arrivedAt(id))[0] ?? "")),
    );
    const tenth = later.filter((at) => at === Math.min(...later));
    expect(tenth).toHaveLength(2);
    expect(Math.min(...later) - toMinutes(canary)).toBeGreaterThanOrEqual(120);
    expect(Math.max(...later) - Math.min(...later)).toBeGreaterThanOrEqual(60);
    expect(await bench.arrivedAt(INTERNAL)).toEqual([]);
    expect(await bench.yard.findViolations()).toEqual([]);
  });

  it("rolls production back when an alarm goes off before the tenants", async () => {
    const bench = await open();
    await start(bench, "HOTFIX", PEOPLE.lin);
    await bench.pass(2);
    await bench.approve(RELEASE);
    await untilProduction(bench);
    expect(await countVersions(bench)).toEqual({ ...ALL, staging: "1.41.0", tenants: 0 });

    await bench.setAlarm("shop-prod-errors", "ALARM");
    await bench.until(RELEASE, "STOPPED", 1);

    expect(await countVersions(bench)).toEqual({ staging: "1.41.0", production: "1.41.0", tenants: 0 });
    expect(await states(bench)).toEqual(["REVIEW", "PRODUCTION", "ROLLING-BACK", "STOPPED"]);
  });

  it("waits for a person when a tenant fails, and rolls everything back", async () => {
    const bench = await open();
    bench.broken.add("t01");
    await start(bench, "HOTFIX", PEOPLE.lin);
    await bench.pass(2);
    await bench.approve(RELEASE);
    await untilProduction(bench);
    await bench.pass(60);

    expect(await bench.stateOf(RELEASE)).toBe("PRODUCTION");
    const stack = await bench.yard.findStack(RELEASE);
    expect(stack?.tasks.find(({ name }) => name === "tenants")).toMatchObject({
      status: "ERROR",
      errorCode: "STACK_FAILED",
    });
    bench.broken.clear();
    await bench.send(RELEASE, "ROLLBACK");
    await bench.until(RELEASE, "STOPPED", 1);
    expect(await countVersions(bench)).toEqual({ staging: "1.41.0", production: "1.41.0", tenants: 0 });
  });

  it("lets only people who are on call start a hotfix, which passes staging by", async () => {
    const bench = await open();

    await start(bench, "HOTFIX");
    expect(await bench.stateOf(RELEASE)).not.toBe("REVIEW");
    await start(bench, "HOTFIX", PEOPLE.lin);
    await bench.pass(2);

    expect(await bench.stateOf(RELEASE)).toBe("REVIEW");
    expect(await countVersions(bench)).toEqual({ staging: "1.41.0", production: "1.41.0", tenants: 0 });
  });

  it("stops between two waves, and continues with a new plan", async () => {
    const bench = await open();
    await start(bench, "HOTFIX", PEOPLE.lin);
    await bench.pass(2);
    await bench.approve(RELEASE);
    await untilProduction(bench);
    await bench.pass(60);

    await bench.send(RELEASE, "STOP");
    await bench.pass(24 * 60);
    expect(await bench.stateOf(RELEASE)).toBe("STOPPED");
    expect((await countVersions(bench)).tenants).toBe(2);
    await bench.send(RELEASE, "AGAIN");
    await bench.pass(2);
    await bench.approve(RELEASE);
    await bench.until(RELEASE, "DONE", 24 * 5);
    expect(await countVersions(bench)).toEqual({ ...ALL, staging: "1.41.0" });
    expect(await bench.arrivedAt("shop-prod")).toHaveLength(1);
  });
});

async function untilProduction(bench: SimulatedYard): Promise<void> {
  for (let minute = 0; minute < 24 * 5 * 60; minute += 1) {
    if ((await countVersions(bench)).production === "1.42.0") return;
    await bench.pass(1);
  }
  throw new Error("Production has not got it.");
}

async function states({ yard }: SimulatedYard): Promise<readonly (string | undefined)[]> {
  const entries = await yard.listHistory(RELEASE);
  const found = entries.filter(({ outcome }) => outcome === "applied").flatMap(({ from, to }) => [from, to]);
  return found.filter((state, index) => state !== undefined && state !== found[index - 1]);
}

const toMinutes = (instant: string) => Math.floor(Date.parse(instant) / 60_000);

/** 09:00 to 16:00 in Berlin, Monday to Thursday. */
function isOffice(instant: string): boolean {
  const format = new Intl.DateTimeFormat("en", {
    timeZone: "Europe/Berlin",
    weekday: "short",
    hour: "numeric",
    hourCycle: "h23",
  });
  const parts = Object.fromEntries(format.formatToParts(new Date(instant)).map(({ type, value }) => [type, value]));
  const hour = Number(parts["hour"]);
  return ["Mon", "Tue", "Wed", "Thu"].includes(parts["weekday"] ?? "") && hour >= 9 && hour < 16;
}
