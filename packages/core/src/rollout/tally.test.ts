import { expect, it } from "vitest";
import { toTallies } from "./tally.ts";

it("counts unchanged, skipped and undone rows apart (octopus#9253)", () => {
  const rows = (["unchanged", "skipped", "skipped", "undone"] as const).map((state) => ({ wave: 0, state }));

  expect(toTallies(rows)).toMatchObject([{ done: 0, unchanged: 1, skipped: 2, undone: 1 }]);
});
