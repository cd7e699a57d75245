import { expect, it } from "vitest";
import { aReleaseYard, TENANT } from "../testing/a-release-yard.ts";

/** Environments that are removed only by someone who names them. */
const PROTECTED = TENANT.replace("  LIVE: {", "  LIVE: { protected: true,").replace(
  "  END: {}",
  "  END: { metadata: [api] }",
);

it("a release does not confirm the end of a protected stack, whatever its own event confirms", async () => {
  const config = { event: "END", until: ["GONE"] };
  const bench = aReleaseYard({ tenant: PROTECTED, config });
  await bench.addTenants(2);

  await bench.send("shop-2", "RELEASED", { machine: "shop", metadata: { api: "2" }, confirm: "t0" });
  await bench.finish("2");

  expect(await bench.versionsOf()).toEqual({ t0: "1.41.0", t1: "1.41.0" });
  expect(await bench.tallyOf("2")).toBe("failed CONFIRMATION_REQUIRED 2");
});
