import { expect, it } from "vitest";
import { aReleaseYard } from "../testing/a-release-yard.ts";
import { plantBug } from "../testing/plant-bug.ts";

// Users of other tools report what may not be read as absent, and what then looks whole: kube-no-trouble#426, cartography#2694,
// azure-iot-ops-cli-extension#902.
it("does not take a stack that it may no longer read for one that was removed, and a retry takes it again", async () => {
  const hidden = new Set<string>();
  const bench = aReleaseYard({
    config: { concurrency: 1, maxFailures: 0 },
    plant: (executor) =>
      plantBug(executor, (_, yard) => ({
        yard: {
          load: async (ids) =>
            (await yard.load(ids)).map((each) =>
              hidden.has(each.stackId) ? { stackId: each.stackId, version: 0, parked: [], hidden: true } : each,
            ),
        },
      })),
  });
  await bench.addTenants(3);
  await bench.start("1.42.0");
  hidden.add("t0").add("t1").add("t2");
  await bench.finish("1.42.0");

  expect(await bench.taskOf("1.42.0")).toBe("GO ERROR STACK_HIDDEN");
  expect(await bench.tallyOf("1.42.0")).toBe("failed STACK_HIDDEN 3");

  hidden.clear();
  await bench.send("shop-1.42.0", "AGAIN");
  await bench.finish("1.42.0");

  expect(await bench.versionsOf()).toEqual({ t0: "1.42.0", t1: "1.42.0", t2: "1.42.0" });
});
