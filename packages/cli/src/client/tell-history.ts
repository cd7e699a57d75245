import type { HistoryEntry } from "@stackyard/sdk";
import type { Output, Style } from "../shell/output.ts";
import { toOneLine } from "./format-failure.ts";

const STYLES: Readonly<Record<HistoryEntry["outcome"], Style>> = {
  applied: "green",
  removed: "green",
  parked: "yellow",
  refused: "yellow",
  "set-aside": "red",
  ignored: "dim",
};

/** One line of the history for people. */
export function tellEntry(
  entry: HistoryEntry,
  out: Pick<Output, "paint">,
  options: { readonly stack?: boolean } = {},
): string {
  const { at, stackId, event, task, outcome, actor } = entry;
  const words = [
    out.paint("dim", at.replace("T", " ").replace(/\.\d+Z$/, "Z")),
    ...(options.stack === false ? [] : [out.paint("cyan", stackId)]),
    task === undefined ? event : `${event} ${task}`,
    out.paint(STYLES[outcome], outcome),
    toWay(entry),
    ...(entry.sent.length === 0 ? [] : [`sent ${entry.sent.join(", ")}`]),
    toWhy(entry),
    ...(actor === undefined ? [] : [out.paint("dim", `by ${actor}`)]),
  ];
  const line = words.filter((word) => word !== "").join("  ");
  return [line, ...entry.notes.map((note) => `  ${note}`)].join("\n");
}

const MOST_CHARACTERS = 300;

/** The code and reason of a line, where it has some, and the beginning of what a failed task said. */
export function toWhy({ code, reason, description }: Pick<HistoryEntry, "code" | "reason" | "description">): string {
  const said = toOneLine(description ?? "", MOST_CHARACTERS);
  return [code, reason, said].filter((part) => part !== undefined && part !== "").join(": ");
}

function toWay({ from, to, outcome }: HistoryEntry): string {
  if (outcome === "removed") return from === undefined ? "" : `${from} → removed`;
  if (from === undefined || to === undefined || from === to) return to ?? from ?? "";
  return `${from} → ${to}`;
}
