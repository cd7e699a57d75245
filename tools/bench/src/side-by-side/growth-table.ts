import type { Contender } from "./contender.ts";
import type { GrowthFigures } from "./measure-growth.ts";
import type { Table } from "./table.ts";

/** What a job costs at each size, and the last size as a multiple of the first. */
export function toGrowthTable(figures: readonly GrowthFigures[], contenders: readonly Contender[]): Table {
  const sizes = [...new Set(figures.map(({ rows }) => rows))].sort((a, b) => a - b);
  return {
    title:
      "Growth: microseconds a job with so many rows of older work (least to most), and the last as a multiple of the first, by time and by CPU",
    head: ["contender", "rows", ...sizes.map((size) => size.toLocaleString("en-GB")), "growth", "of its CPU"],
    rows: contenders.map((contender) => {
      const own = sizes.map((size) => figures.find(({ rows, contender: id }) => id === contender.id && rows === size));
      const [first, last] = [own[0], own.at(-1)];
      const growth = first && last ? last.microsecondsEach / first.microsecondsEach : undefined;
      const ofCpu = first && last ? last.cpuMicrosecondsEach / first.cpuMicrosecondsEach : undefined;
      return [contender.name, contender.filledWith, ...own.map(toCell), toMultiple(growth), toMultiple(ofCpu)];
    }),
  };
}

function toMultiple(value: number | undefined): string {
  return value === undefined ? "–" : value.toFixed(2);
}

function toCell(figures: GrowthFigures | undefined): string {
  if (figures === undefined) return "–";
  const { microsecondsEach, leastMicroseconds, mostMicroseconds } = figures;
  return `${microsecondsEach.toFixed(0)} (${leastMicroseconds.toFixed(0)}–${mostMicroseconds.toFixed(0)})`;
}
