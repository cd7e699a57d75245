import { styleText } from "node:util";
import type { HistoryEntry } from "@stackyard/sdk";
import type { TaskReport } from "./control-plane.ts";

type Style = Parameters<typeof styleText>[0];

/** Prints what happens, one line each, with the seconds since the start. */
export interface Timeline {
  /** Prints an action of the demo itself. */
  say(text: string): void;
  /** Prints an unsolicited event. */
  warn(text: string): void;
  entry(entry: HistoryEntry): void;
  report(report: TaskReport): void;
  /** Prints a line without a time. */
  plain(text?: string): void;
}

const WIDTHS = { stack: 6, event: 18, states: 20 };
/** Events that add no information for the reader. */
const NOISE = /^Terraform \d|\): Executing: |^Not declared as variables|^Plan: /;

/** Writes to standard output, with colors only on a terminal. */
export function createTimeline(startedAt = Date.now()): Timeline {
  const write = (at: number, ...columns: readonly string[]) => {
    const seconds = (Math.max(0, at - startedAt) / 1_000).toFixed(1).padStart(5);
    console.log(`${paint("dim", `${seconds}s`)}  ${columns.join("  ").trimEnd()}`);
  };
  return {
    say: (text) => write(Date.now(), paint("cyan", "demo".padEnd(WIDTHS.stack)), text),
    warn: (text) => write(Date.now(), paint("yellow", "demo".padEnd(WIDTHS.stack)), paint("yellow", text)),
    entry(entry) {
      const { stackId, event, from = "–", to = from } = entry;
      const moved = entry.outcome === "applied" && from !== to;
      const states = moved ? `${from} → ${to}` : entry.outcome === "removed" ? `${from} → removed` : from;
      write(
        Date.parse(entry.at),
        paint("bold", stackId.padEnd(WIDTHS.stack)),
        paint(toStyle(entry), event.padEnd(WIDTHS.event)),
        states.padEnd(WIDTHS.states),
        toDetail(entry),
      );
    },
    report({ stackId, task, line }) {
      if (NOISE.test(line)) return;
      write(Date.now(), stackId.padEnd(WIDTHS.stack), paint("dim", `  ${task} │ ${line}`));
    },
    plain: (text = "") => console.log(text),
  };
}

/** Colors a text if standard output is a terminal and `NO_COLOR` is not set. */
export function paint(style: Style, text: string): string {
  return styleText(style, text);
}

function toStyle({ outcome, event }: HistoryEntry): Style {
  if (event === "TASK_ERROR") return "red";
  return outcome === "applied" || outcome === "removed" ? "green" : "yellow";
}

function toDetail({ outcome, code, reason, task, description, sent }: HistoryEntry): string {
  const parts = [
    outcome === "applied" || outcome === "removed" ? "" : `${outcome}: ${code}. ${reason ?? ""}`,
    task === undefined ? "" : description === undefined ? task : `${task}: ${firstLine(description)}`,
    sent.length === 0 ? "" : `starts ${sent.join(", ")}`,
  ];
  return parts.filter((part) => part !== "").join("; ");
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? "";
}
