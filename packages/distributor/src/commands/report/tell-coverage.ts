import type { CoverageCell, CoverageRow } from "@stackyard/sdk/artifacts";
import { formatTable } from "@stackyard/sdk/commands";
import { toCoverageMatrix } from "./coverage-matrix.ts";
import { tellCount } from "./tell-size.ts";
import { toCell } from "./to-cell.ts";

const MAX_TOLD = 20;

/** Does it stand there? */
export function stands({ status }: Pick<CoverageCell, "status">): boolean {
  return status === "stored" || status === "present";
}

/** The matrix, what is in its way, and the sum of it. */
export function tellCoverage(rows: readonly CoverageRow[], options: { readonly columns: number }): string {
  if (rows.length === 0) return "No published version fits.";
  return [toCoverageMatrix(rows, options), tellTroubles(rows), tellSum(rows)]
    .filter((text) => text !== "")
    .join("\n\n");
}

/** One line on one version, such as `billing-api 1.4.2: stands at 2 of 5 consumers, 1 failed`. */
export function tellRow({ name, version, cells }: CoverageRow): string {
  const done = cells.filter(stands).length;
  const troubles = ["failed", "rejected", "overdue"].flatMap((status) => {
    const count = cells.filter((cell) => cell.status === status).length;
    return count === 0 ? [] : [`${count} ${status}`];
  });
  const standing = `stands at ${done} of ${tellCount(cells.length, "consumer")}`;
  return `${toCell(name, 128)} ${toCell(version, 64)}: ${[standing, ...troubles].join(", ")}`;
}

function tellSum(rows: readonly CoverageRow[]): string {
  const expected = rows.filter(({ retired }) => !retired);
  const covered = expected.filter(({ covered: isCovered }) => isCovered).length;
  const nowhere = expected.filter(({ cells }) => cells.length === 0).length;
  const sum = `Standing everywhere: ${covered} of ${tellCount(expected.length, "version")}.`;
  const silent = Math.max(0, ...expected.map((row) => row.silent ?? 0));
  return [
    sum,
    ...(nowhere === 0 ? [] : [`${nowhere} should stand nowhere: no consumer is registered for it.`]),
    ...(silent === 0
      ? []
      : [`Not counted: ${tellCount(silent, "consumer")} of the first generation, which cannot answer.`]),
  ].join(" ");
}

function tellTroubles(rows: readonly CoverageRow[]): string {
  const troubles = rows.flatMap(({ name, version, cells }) =>
    cells
      .filter(({ status }) => status === "failed" || status === "rejected" || status === "overdue")
      .map((cell) => [
        ...[toCell(`${name}@${version}`, 64), toCell(cell.account, 20), toCell(cell.region, 30), cell.status],
        ...[toCell(cell.code ?? "", 40), `${cell.filesDone} of ${tellCount(cell.files, "file")}`],
      ]),
  );
  if (troubles.length === 0) return "";
  const rest = troubles.length > MAX_TOLD ? [`… and ${troubles.length - MAX_TOLD} more`] : [];
  return [formatTable(troubles.slice(0, MAX_TOLD)), ...rest].join("\n");
}
