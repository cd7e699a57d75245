import type { Attempt, StackDetails, StackSummary } from "@stackyard/sdk";
import { formatTable } from "@stackyard/sdk/commands";
import { toAge } from "../shell/age.ts";
import type { Output, Style } from "../shell/output.ts";
import { formatFailure, formatFailureCell, toOneLine } from "./format-failure.ts";

type Painter = Pick<Output, "paint" | "columns">;
type TaskStatus = StackSummary["tasks"][number]["status"];

const STYLES: Readonly<Record<TaskStatus, Style>> = { PENDING: "cyan", SATISFIED: "green", ERROR: "red" };

/** A status in its colour. */
export function tellStatus(status: TaskStatus, out: Painter): string {
  return out.paint(STYLES[status], status);
}

/** The row of a stack in a list. */
export function toStackRow(stack: StackSummary, out: Painter, now: number): readonly string[] {
  return [
    out.paint("bold", stack.id),
    stack.machine,
    tellState(stack, out),
    tellTasks(stack),
    toAge(stack.enteredAt, now),
    ...(stack.lastFailure === undefined ? [] : [formatFailureCell(stack.lastFailure, out, now)]),
  ];
}

/** The heads of the columns of `toStackRow`; the last one only where a stack has had a failure. */
export function toStackColumns(stacks: readonly StackSummary[]): readonly string[] {
  const columns = ["STACK", "MACHINE", "STATE", "TASKS", "FOR"];
  return stacks.some(({ lastFailure }) => lastFailure !== undefined) ? [...columns, "LAST FAILURE"] : columns;
}

/** The row of a stack in a list of those that wait. */
export function toWaitingRow(stack: StackSummary, out: Painter, now: number): readonly string[] {
  const row = [out.paint("bold", stack.id), stack.machine, tellState(stack, out), toAge(stack.enteredAt, now)];
  return [...row, stack.waiting?.summary ?? "It is gone."];
}

/** The heads of the columns of `toWaitingRow`. */
export const WAITING_COLUMNS = ["STACK", "MACHINE", "STATE", "FOR", "WAITS FOR"] as const;

/** A stack with everything that tells why it stands where it stands. */
export function tellStack(stack: StackDetails, out: Painter, now: number): string {
  const { id, machine, machineHash, previousState, metadata } = stack;
  const facts = [
    ["machine", `${machine} ${out.paint("dim", machineHash.slice(0, 12))}`],
    [
      "state",
      `${tellState(stack, out)}${previousState === null ? "" : ` (was ${previousState})`} for ${toAge(stack.enteredAt, now)}`,
    ],
    ...(Object.keys(metadata).length === 0 ? [] : [["metadata", JSON.stringify(metadata)]]),
    ["changed", `${stack.updatedAt} (created ${stack.createdAt})`],
  ];
  return [
    out.paint("bold", id),
    stack.summary,
    "",
    formatTable(
      facts.map(([name = "", value = ""]) => [`  ${out.paint("dim", name)}`, value]),
      { columns: out.columns, keepLast: true },
    ),
    ...toSection("Tasks", toTaskRows(stack, out), out),
    ...toFailureSection(stack, out, now),
    ...toSection("Waiting events", toParkedRows(stack.parked, out), out),
    ...toSection(
      "Timers",
      stack.timers.map(({ event, dueAt, task }) => [
        `  ${task === undefined ? event : `next try of ${task}`}`,
        `due ${dueAt}`,
      ]),
      out,
    ),
    ...toSection("Earlier work that still runs", toOldRows(stack), out),
  ].join("\n");
}

function toSection(title: string, rows: readonly (readonly string[])[], out: Painter): readonly string[] {
  return rows.length === 0
    ? []
    : ["", out.paint("bold", title), formatTable(rows, { columns: out.columns, keepLast: true })];
}

function toFailureSection({ id, lastFailure }: StackDetails, out: Painter, now: number): readonly string[] {
  if (lastFailure === undefined) return [];
  return ["", out.paint("bold", "Last failure"), formatFailure(lastFailure, { stackId: id, out, now })];
}

/** What a failed task said may have many lines; those of the last one are shown apart. */
const MOST_WHY_CHARACTERS = 500;

function toTaskRows({ tasks }: StackDetails, out: Painter): readonly (readonly string[])[] {
  return tasks.map(({ name, status, detail, why, attempt }) => [
    `  ${name}`,
    tellStatus(status, out),
    detail ?? "",
    status === "ERROR"
      ? toOneLine(why, MOST_WHY_CHARACTERS)
      : tellProgress(why, status === "PENDING" ? attempt?.progressMessage : undefined, out),
  ]);
}

// The reason tells the progress of an attempt that runs or is polled, but not of one that is queued or asked to stop.
function tellProgress(why: string, progress: string | undefined, out: Painter): string {
  return progress === undefined || why.endsWith(progress) ? why : `${why} ${out.paint("dim", progress)}`;
}

/** The events that wait for a stack that does not exist yet. */
export function tellParked(parked: StackDetails["parked"], out: Painter): string {
  return toSection("Waiting events", toParkedRows(parked, out), out).slice(1).join("\n");
}

function toParkedRows(parked: StackDetails["parked"], out: Painter): readonly (readonly string[])[] {
  return parked.map(({ event, eventId, code, reason, nextTryAt }) => [
    `  ${event}`,
    out.paint("yellow", code),
    `${reason} Tried again at ${nextTryAt}.`,
    out.paint("dim", eventId),
  ]);
}

function toOldRows({ attempts, entry }: StackDetails): readonly (readonly string[])[] {
  const old = attempts.filter((attempt: Attempt) => attempt.entry !== entry && attempt.status !== "settled");
  return old.map(({ task, status, deadlineAt }) => [`  ${task}`, status, `until ${deadlineAt} at the latest`]);
}

function tellState({ state, stalled, failed, overdue }: StackSummary | StackDetails, out: Painter): string {
  const marks = [stalled?.code, failed === true ? "failed" : undefined, overdue === true ? "overdue" : undefined];
  const told = (stalled === undefined ? marks : marks.slice(0, 1)).filter((mark) => mark !== undefined);
  return `${state}${told.map((mark) => out.paint("red", ` ${mark}`)).join("")}`;
}

function tellTasks({ tasks }: StackSummary): string {
  const parts = (["PENDING", "ERROR", "SATISFIED"] as const).map((wanted) => {
    const names = tasks.filter(({ status }) => status === wanted).map(({ name }) => name);
    return names.length === 0 ? "" : `${wanted}: ${names.join(", ")}`;
  });
  return parts.filter((part) => part !== "").join("; ") || "–";
}
