import { describe, expect, it } from "vitest";
import { aReleaseYard, TENANT } from "../testing/a-release-yard.ts";

const MINUTE = 60_000;

/** After its build, an environment bakes: only a timer moves it on. */
const toBaking = (time: string) =>
  TENANT.replace("END: {}\n", "END: {}\n  BAKED: {}\n")
    .replace("on: { NEXT: LIVE, FAILED: BROKEN }", "on: { NEXT: BAKE, FAILED: BROKEN }")
    .replace("  LIVE:", `  BAKE: { on: { BAKED: LIVE }, after: [{ in: ${time}, event: BAKED }] }\n  LIVE:`);

describe("a stack that only a timer moves, and that does not handle the event until then,", () => {
  async function meet(time: string) {
    const bench = aReleaseYard({ tenant: toBaking(time) });
    await bench.addTenants(2);
    await bench.start("1.42.0");
    await bench.yard.advance(MINUTE);
    await bench.start("1.43.0");
    await bench.finish("1.43.0");
    const lines = await bench.yard.listHistory("t0");
    const refused = lines.filter(({ event, outcome }) => event === "RELEASED" && outcome !== "applied");
    return { ...bench, refused: refused.length };
  }

  it("is awaited, and refuses the event once", async () => {
    const bench = await meet("10m");

    expect(await bench.tallyOf("1.43.0")).toBe("done 2");
    expect(await bench.versionsOf()).toEqual({ t0: "1.43.0", t1: "1.43.0" });
    expect(bench.refused).toBe(1);
  });

  it("fails when its timer is later than the time that each stack has", async () => {
    const bench = await meet("2h");

    expect(await bench.taskOf("1.43.0")).toBe("GO ERROR EVENT_NOT_HANDLED");
    expect(await bench.versionsOf()).toEqual({ t0: "1.42.0", t1: "1.42.0" });
  });
});
