import { expect, it } from "vitest";
import { addTallies, type Tally, toTallies } from "./tally.ts";

it("counts unchanged, skipped and undone rows apart (octopus#9253)", () => {
  const rows = (["unchanged", "skipped", "skipped", "undone"] as const).map((state) => ({ wave: 0, state }));

  expect(toTallies(rows)).toMatchObject([{ done: 0, unchanged: 1, skipped: 2, undone: 1 }]);
});

it("adds up tallies that an earlier version has written", () => {
  const { unchanged: _, undone: __, ...earlier } = { ...addTallies([]), skipped: 3 };
  const [now] = toTallies([{ wave: 0, state: "undone" }]);

  expect(addTallies([earlier as Tally, now as Tally])).toMatchObject({ unchanged: 0, skipped: 3, undone: 1 });
});
