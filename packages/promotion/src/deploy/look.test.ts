import { describe, expect, it } from "vitest";
import { aReleaseYard } from "../testing/a-release-yard.ts";

describe("a look at a deployment", () => {
  it("goes on to the next wave at the instant at which it finds that nothing of a wave is left to be sent", async () => {
    const bench = aReleaseYard({ config: { waves: [{ name: "first", share: "50%" }, { name: "rest" }] } });
    await bench.addTenants(2);
    for (const version of ["1.42.0", "1.43.0"]) {
      await bench.start(version);
      await bench.finish(version);
    }

    await bench.send("shop-1.42.0", "AGAIN");
    await bench.finish("1.42.0");

    expect(await bench.tallyOf("1.42.0")).toBe("skipped NEWER_RELEASE 2");
    const state = await bench.stateOf("1.42.0");
    expect(state?.endedAt).toBe(state?.startedAt);
  });
});
