import { expect, it } from "vitest";
import { createReportTurns } from "./report-turns.ts";

const room = { until: 60_000, everyMs: 16_000, isUrgent: false };

it("makes reports one after the other when there is room, urgent ones apart, and none much later than that", () => {
  const turns = createReportTurns(() => 0.5);
  const take = (key: string, over: Partial<typeof room> = {}) => turns.take({ key, ...room, ...over }, 50_000);

  expect([take("a"), take("b"), take("c")]).toEqual([68_000, 84_000, 100_000]);
  expect(take("b")).toBe(84_000);
  expect(take("d", { isUrgent: true, everyMs: 8_000 })).toBe(64_000);
  expect(Math.max(...Array.from({ length: 1_000 }, (_, at) => take(`e${at}`)))).toBe(60_000 + 900_000 + 8_000);
});

it("forgets a turn that has passed", () => {
  const turns = createReportTurns(() => 0);

  expect(turns.take({ key: "a", ...room }, 50_000)).toBe(60_000);
  expect(turns.take({ key: "a", ...room, until: 200_000 }, 60_000)).toBe(200_000);
});
