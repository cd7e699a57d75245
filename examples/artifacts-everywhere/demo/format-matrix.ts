import type { CoverageRow } from "@stackyard/sdk/artifacts";
import type { Column } from "./check-buckets.ts";

/** Formats the coverage matrix as lines: a row for each version, a column for each consumer. */
export function formatMatrix(
  rows: readonly CoverageRow[],
  columns: readonly Pick<Column, "plan">[],
): readonly string[] {
  const head = ["", ...columns.map(({ plan }) => plan.name)];
  const body = rows.map(({ name, version, cells }) => [
    `${name} ${version}`,
    ...columns.map(({ plan }) => {
      const cell = cells.find(({ account, region }) => account === plan.account && region === plan.region);
      return cell === undefined ? "-" : `${cell.status}${cell.code === null ? "" : ` ${cell.code}`}`;
    }),
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...body].map((line) => line[column]?.length ?? 0)));
  return [head, ...body].map((line) =>
    line
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
