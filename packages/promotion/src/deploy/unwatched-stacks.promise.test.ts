import { describe, expect, it } from "vitest";
import { aReleaseYard } from "../testing/a-release-yard.ts";

const MINUTE = 60_000;

describe("the time that a stack may take", () => {
  it("does not pass while no worker looks", async () => {
    const { yard, addTenants, start, finish, taskOf, tallyOf } = aReleaseYard();
    await addTenants(2);
    await start("1.42.0");

    await yard.clock.advance(70 * MINUTE);
    await finish("1.42.0");

    expect([await taskOf("1.42.0"), await tallyOf("1.42.0")]).toEqual(["DONE", "done 2"]);
  });

  it("passes while workers look", async () => {
    const { yard, pace, addTenants, start, tallyOf } = aReleaseYard();
    await addTenants(2);
    pace.buildMs = 120 * MINUTE;
    await start("1.42.0");

    await yard.advance(70 * MINUTE);

    expect(await tallyOf("1.42.0")).toBe("failed STACK_TIMEOUT 2");
  });
});
