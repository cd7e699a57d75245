import { expect, it } from "vitest";
import { ENGINE_IDS, loadEngine } from "./engines.ts";

it("finds each engine under its own id, in two forms and two settings", async () => {
  const all = await Promise.all(ENGINE_IDS.map(loadEngine));

  expect(all.map(({ id }) => id)).toEqual(ENGINE_IDS);
  expect(new Set(ENGINE_IDS).size).toBe(20);
  for (const { form, width, id } of all) expect(id).toContain(`-${form}-${width}`);
  // The jobs of a chain are whole chains.
  expect(all.filter(({ form, jobs }) => form === "chain" && jobs % 10 > 0)).toEqual([]);
});

it("rejects an unknown engine", async () => {
  await expect(loadEngine("kue-chain-10")).rejects.toThrow('Unknown engine "kue-chain-10".');
});
