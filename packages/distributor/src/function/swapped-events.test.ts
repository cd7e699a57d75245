import { describe, expect, it } from "vitest";
import { PLACE } from "../testing/a-cell.ts";
import { createFleet } from "../testing/a-fleet.ts";
import { runExecution } from "../testing/run-execution.ts";

describe("two versions whose events come in the wrong order", () => {
  it("are told to a new consumer by when they were written", async () => {
    const fleet = createFleet();
    const first = fleet.write("1");
    await fleet.clock.advance(60_000);
    const second = fleet.write("2");
    for (const key of [second, first]) await fleet.created(key);
    const before = fleet.sent().length;

    await fleet.register(PLACE);
    await fleet.look();
    for (const each of fleet.executions) await runExecution(fleet, each, () => fleet.answer([PLACE]));

    const files = fleet
      .sent()
      .slice(before)
      .filter((message) => message.ArtifactKey !== undefined);
    expect(files).toMatchObject([{ artifact: { version: "2" } }]);
  });

  it("are removed by when they were written", async () => {
    const fleet = createFleet({ keepDays: 1 });
    await fleet.register(PLACE);
    const first = fleet.write("1");
    await fleet.clock.advance(60_000);
    const second = fleet.write("2");
    for (const key of [second, first]) await fleet.created(key);
    await fleet.answer([PLACE]);
    await fleet.clock.advance(2 * 86_400_000);

    expect(await fleet.look()).toMatchObject({ removed: 1 });

    expect(await fleet.coverage()).toMatchObject([{ version: "2" }]);
  });

  it("are ordered by their numbers where they were written in one second", async () => {
    const fleet = createFleet({ keepDays: 1 });
    await fleet.register(PLACE);
    for (const key of [fleet.write("2"), fleet.write("1")]) await fleet.created(key);
    await fleet.answer([PLACE]);
    await fleet.clock.advance(2 * 86_400_000);

    await fleet.look();

    expect(await fleet.coverage()).toMatchObject([{ version: "1" }]);
  });

  it("are ordered by their uploads where the earlier one takes longer to digest", async () => {
    const fleet = createFleet({ keepDays: 1 });
    await fleet.register(PLACE);
    const keys = ["40", "41"].map((build) => `uploads/shop/${build}/app.zip`);
    for (const key of keys) {
      fleet.sim.s3.write("source", key, key);
      await fleet.clock.advance(60_000);
    }
    for (const key of keys.toReversed()) await fleet.created(key);
    await fleet.answer([PLACE]);
    await fleet.clock.advance(2 * 86_400_000);

    await fleet.look();

    expect(await fleet.coverage("shop/app.zip")).toMatchObject([{ version: "41" }]);
  });
});
