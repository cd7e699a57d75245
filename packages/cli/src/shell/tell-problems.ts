import { formatTable } from "@stackyard/sdk/commands";
import type { Problem } from "../project/machine-words.ts";
import type { Output } from "./output.ts";

/** Problems of a document as indented lines, each with place and code. */
export function tellProblems(problems: readonly Problem[], out: Pick<Output, "paint" | "columns">): readonly string[] {
  if (problems.length === 0) return [];
  const rows = problems.map(({ severity, code, path, line, column, message }) => [
    `  ${line}:${column}`,
    severity === "error" ? out.paint("red", severity) : out.paint("yellow", severity),
    out.paint("dim", code),
    path === "" ? message : `${path}: ${message}`,
  ]);
  return formatTable(rows, { columns: out.columns, keepLast: true }).split("\n");
}
