import type { Contender } from "./contender.ts";
import type { GrowthFigures } from "./measure-growth.ts";
import type { Table } from "./table.ts";

/** What a job costs at each size, and the last size as a multiple of the first. */
export function toGrowthTable(figures: readonly GrowthFigures[], contenders: readonly Contender[]): Table {
  const sizes = [...new Set(figures.map(({ rows }) => rows))].sort((a, b) => a - b);
  return {
    title:
      "Growth: microseconds a job with so many rows of older work (least to most), and the last as a multiple of the first",
    head: ["contender", "rows", ...sizes.map((size) => size.toLocaleString("en-GB")), "growth"],
    rows: contenders.map((contender) => {
      const own = sizes.map((size) => figures.find(({ rows, contender: id }) => id === contender.id && rows === size));
      const [first, last] = [own[0], own.at(-1)];
      const growth = first && last ? (last.microsecondsEach / first.microsecondsEach).toFixed(2) : "–";
      return [contender.name, contender.filledWith, ...own.map(toCell), growth];
    }),
  };
}

function toCell(figures: GrowthFigures | undefined): string {
  if (figures === undefined) return "–";
  const { microsecondsEach, leastMicroseconds, mostMicroseconds } = figures;
  return `${microsecondsEach.toFixed(0)} (${leastMicroseconds.toFixed(0)}–${mostMicroseconds.toFixed(0)})`;
}
