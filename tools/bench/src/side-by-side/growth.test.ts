import { expect, it } from "vitest";
import type { Contender } from "./contender.ts";
import { toGrowthTable } from "./growth.ts";

const contender = (id: string): Contender => ({
  id,
  name: `${id} 1.0`,
  batching: "grouped",
  settings: "",
  steps: [],
  jobs: 1,
  inProcess: false,
  doneSql: "",
  fillSql: "",
  filledWith: "ended jobs",
  connect: () => {
    throw new Error("not measured here");
  },
});

it("shows the cost at each size, and the last as a multiple of the first", () => {
  const figures = [1_000, 1_000_000].map((rows, index) => ({
    contender: "ours",
    rows,
    jobs: 10,
    microsecondsEach: 100 + 20 * index,
    leastMicroseconds: 90,
    mostMicroseconds: 130,
    cpuMicrosecondsEach: 80 + 4 * index,
  }));

  const { head, rows } = toGrowthTable(figures, [contender("ours"), contender("other")]);

  expect(head).toEqual(["contender", "rows", "1,000", "1,000,000", "growth", "of its CPU"]);
  expect(rows).toEqual([
    ["ours 1.0", "ended jobs", "100 (90–130)", "120 (90–130)", "1.20", "1.05"],
    ["other 1.0", "ended jobs", "–", "–", "–", "–"],
  ]);
});
