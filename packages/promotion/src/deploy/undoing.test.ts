import { describe, expect, it } from "vitest";
import { aReleaseYard } from "../testing/a-release-yard.ts";

describe("an undo whose stacks arrive one after another", () => {
  it("has restored a stack that a person changes while another one is on its way", async () => {
    const bench = aReleaseYard();
    await bench.addTenants(2);
    await bench.start("1.42.0");
    await bench.finish("1.42.0");
    bench.pace.spreadMs = 60_000;

    await bench.send("shop-1.42.0", "ROLLBACK");
    await bench.yard.advance(20_000);
    await bench.send("t0", "PUSHED", { metadata: { api: "by hand" } });
    await bench.finish("1.42.0");

    expect(await bench.taskOf("1.42.0", "undo")).toBe("DONE");
    expect(await bench.tallyOf("1.42.0", "undo")).toBe("done 2");
    expect(await bench.versionsOf()).toEqual({ t0: "by hand", t1: "1.41.0" });
  });
});
