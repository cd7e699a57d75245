import type { LastFailure } from "@stackyard/sdk";
import { toAge } from "../shell/age.ts";
import type { Output } from "../shell/output.ts";

type Painter = Pick<Output, "paint">;

/** A text of several lines as one; of a long one the beginning and the end, where tools print what went wrong. */
export function toOneLine(text: string, mostCharacters: number): string {
  const line = text.replace(/\s+/g, " ").trim();
  if (line.length <= mostCharacters) return line;
  const half = Math.floor((mostCharacters - 3) / 2);
  return `${line.slice(0, half)} … ${line.slice(-half)}`;
}

/** The last failure of a stack in a row of a list. What is resolved is not painted. */
export function formatFailureCell(failure: LastFailure, out: Painter, now: number): string {
  const { task, code, message = "", at, resolvedAt } = failure;
  const what = [task, code].filter((part) => part !== undefined).join(" ");
  const text = `${what} ${toAge(at, now)} ago${resolvedAt === undefined ? "" : ", resolved"}`;
  const why = resolvedAt === undefined ? toOneLine(message, 80) : "";
  return `${out.paint(resolvedAt === undefined ? "red" : "dim", text)}${why === "" ? "" : `: ${why}`}`;
}

const MOST_LINES = 12;

/** The last failure of a stack with the beginning of what its task said, and where the rest is. */
export function formatFailure(
  { task, state, attempt, code, message = "", at, resolvedAt }: LastFailure,
  { stackId, out, now }: { readonly stackId: string; readonly out: Painter; readonly now: number },
): string {
  const times = attempt === 0 ? "never sent" : `attempt ${attempt}`;
  const resolved = resolvedAt === undefined ? "" : `, resolved ${toAge(resolvedAt, now)} ago`;
  const head = `  ${task} of ${state}  ${code ?? "failed"}  ${times}, ${toAge(at, now)} ago${resolved} (${at})`;
  const lines = message.split("\n").filter((line) => line.trim() !== "");
  const log = attempt === 0 ? [] : [`  ${out.paint("dim", `Log: stackyard stacks logs ${stackId} ${task}`)}`];
  return [
    resolvedAt === undefined ? out.paint("red", head) : head,
    ...toEnds(lines).map((line) => `    ${line}`),
    ...log,
  ].join("\n");
}

function toEnds(lines: readonly string[]): readonly string[] {
  if (lines.length <= MOST_LINES) return lines;
  return [...lines.slice(0, MOST_LINES / 2), "…", ...lines.slice(-MOST_LINES / 2)];
}
