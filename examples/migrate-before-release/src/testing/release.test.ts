import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { release } from "./release.ts";
import { createSimulatedYard } from "./simulated-yard.ts";

const source = readFileSync(join(import.meta.dirname, "../../machines/release.yml"), "utf8");

describe("a release", () => {
  it("migrates first, then rolls out", async () => {
    const lines: string[] = [];
    const world = createSimulatedYard(source, (line) => lines.push(line));

    const { state } = await release(world, "1");

    expect(state).toBe("LIVE");
    expect(world.rolledOut).toEqual(["1"]);
    expect(lines).toEqual(["migrate: 0001_users: done", "migrate: 0002_orders: done"]);
    expect((await world.yard.findStack("shop"))?.metadata["migration"]).toMatch(/log-group\/\$252Fweb\$252Fmigrate/);
  });

  it("leaves the old version unchanged when the migration fails, and reports why", async () => {
    const world = createSimulatedYard(source, () => undefined);
    await release(world, "1");

    const { state, reason } = await release(world, "2");

    expect(state).toBe("BROKEN");
    expect(reason).toContain("container app exited with 1 (EssentialContainerExited)");
    expect(reason).toContain('ERROR: 0004_totals: column "amount" does not exist');
    expect(world.rolledOut).toEqual(["1"]);
    expect(world.sim.ecs.tasks()).toHaveLength(2);
  });

  it("tries a migration again that lost its Spot capacity", async () => {
    const world = createSimulatedYard(source, () => undefined);

    const { state } = await release(world, "3");

    expect(state).toBe("LIVE");
    expect(world.rolledOut).toEqual(["3"]);
    expect(world.sim.ecs.tasks().map(({ stopCode }) => stopCode)).toEqual([
      "SpotInterruption",
      "EssentialContainerExited",
    ]);
    expect(await world.yard.findViolations()).toEqual([]);
  });
});
