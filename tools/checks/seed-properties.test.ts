import fc from "fast-check";
import { expect, it } from "vitest";

it("lets properties draw the cases of PROPERTY_SEED, and others at each run without it", () => {
  const seed = process.env["PROPERTY_SEED"];

  expect(fc.readConfigureGlobal()?.seed).toBe(seed === undefined ? undefined : Number(seed));
});
