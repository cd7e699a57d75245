import {
  cutMiddle,
  defined,
  isStackyardError,
  type NamedActor,
  nameApart,
  nameSender,
  optionalFlag,
  optionalInteger,
  toShellCommand,
  toShellWord,
} from "@stackyard/core";
import { fieldOf, listHistory } from "@stackyard/core/api/operations";
import type {
  Approval,
  Attempt,
  HistoryEntry,
  LastFailure,
  ListedParkedEvent,
  StackDetails,
  StackSummary,
} from "@stackyard/sdk";
import { formatTable } from "@stackyard/sdk/commands";
import { Type } from "typebox";

import { failWith } from "../failure.ts";
import { type Painter, type Style, toAge } from "../output.ts";
import { defineServerCommand, type LoadPage, readAll, type ServerContext } from "../server/connection.ts";
import { serverNow } from "../server/server-clock.ts";
import { limitArg, stackArg } from "./stack-args.ts";

/** `stackyard stacks show` */
export const stacksShow = defineServerCommand({
  name: "stacks show",
  summary: "Show a stack: its tasks and why each waits, its waiting events and timers.",
  examples: {
    "stackyard stacks show pr-12": "Show why the stack is in its state.",
    "stackyard stacks show pr-12 --log": "Include the end of each task's log.",
  },
  args: Type.Object({
    ...stackArg,
    log: optionalFlag("Include the end of each task's log, which is available when the attempt ends."),
  }),
  async run(context, { stack: id, log = false }) {
    const { out, yard, signal } = context;
    const stack = await yard.stacks.get(id, { signal }).catch((error) => explainMissing(context, id, error));
    const logs: { readonly task: string; readonly attemptId: string; readonly text: string }[] = [];
    for (const { name, attempt } of log ? stack.tasks : []) {
      if (!attempt?.hasLog) continue;
      const text = await yard.stacks.attemptLog(attempt.attemptId, { signal });
      logs.push({ task: name, attemptId: attempt.attemptId, text });
    }
    out.result(log ? { ...stack, logs } : stack, () => {
      const open = log ? stack.tasks.flatMap(({ name, attempt }) => toOpenLog(name, attempt)) : [];
      const shown = [...logs, ...open].map(
        ({ task, text }) => `\n${out.paint("bold", `Log of ${task}`)}\n${text.trimEnd()}`,
      );
      return [formatStack(stack, out, serverNow()), ...shown].join("\n");
    });
  },
});

/** Prints the events that wait for a stack that does not exist yet. Throws the error with a hint. */
async function explainMissing({ out, yard, signal }: ServerContext, id: string, error: unknown): Promise<never> {
  if (!isStackyardError(error, "STACK_UNKNOWN")) throw error;
  const { items } = await yard.events.listParked({ stackId: id }, { signal });
  const [first] = items;
  if (first === undefined) throw error;
  out.result({ id, parked: items }, () =>
    toSection("Waiting events", toParkedRows(items, out), out).slice(1).join("\n"),
  );
  const count = items.length === 1 ? "1 event waits" : `${items.length} events wait`;
  throw failWith("STACK_UNKNOWN", `Stack "${id}" does not exist yet; ${count} for it.`, { hint: adviseOn(first) });
}

function adviseOn({ code, machine = "" }: ListedParkedEvent): string {
  switch (code) {
    case "MACHINE_INVALID":
      return `\`${toShellCommand`stackyard machines show ${machine}`}\` lists the errors. After you correct them, the event is applied automatically.`;
    case "MACHINE_UNKNOWN":
      return "`stackyard machines ls` lists the machines. When this one exists, the event is applied automatically.";
    default:
      return `\`${toShellCommand`stackyard machines show ${machine}`}\` lists the events that the state INIT handles: send one of them with --machine ${toShellWord(machine)}.`;
  }
}

function toOpenLog(task: string, attempt: Attempt | undefined) {
  if (attempt === undefined || attempt.hasLog || attempt.status === "settled") return [];
  const newest = attempt.progressMessage === undefined ? "" : ` Newest line: ${attempt.progressMessage}`;
  return [{ task, text: `It comes when the attempt ends.${newest}` }];
}

/** `stackyard stacks history` */
export const stacksHistory = defineServerCommand({
  name: "stacks history",
  summary: "Show the history of a stack, oldest first, even after its removal.",
  examples: { "stackyard stacks history pr-12 -n 20": "Show the last 20 lines." },
  args: Type.Object({ ...stackArg, ...limitArg }),
  async run({ out, yard, signal }, { stack, limit = 100 }) {
    const load: LoadPage<HistoryEntry> = (page) => yard.stacks.history(stack, { ...page, order: "newest", signal });
    const entries = await readAll(load, { out, limit });
    if (entries.length === 0) throw failWith("STACK_UNKNOWN", `Stack "${stack}" has no history.`);
    for (const entry of entries.toReversed())
      out.result(entry, () => formatHistoryEntry(entry, out, { stack: false, among: entries }));
  },
});

/** `stackyard stacks watch` */
export const stacksWatch = defineServerCommand({
  name: "stacks watch",
  summary: "Follow the history of one stack, or of all stacks.",
  description:
    "Reconnects when the server restarts. With a stack, exits when the stack is removed; otherwise, press Ctrl-C to exit.",
  examples: {
    "stackyard stacks watch pr-12": "Follow a stack until it is removed.",
    "stackyard stacks watch --json": "Follow the whole yard, one JSON object per line.",
  },
  args: Type.Object({
    stack: fieldOf(listHistory, "stackId", { completes: "stack", description: "The stack's id. Default: all." }),
    since: optionalInteger("Start after this position in the history.", { minimum: 0 }),
  }),
  positionals: ["stack"],
  async run({ out, yard, signal }, { stack, since }) {
    // Connects first: a wrong address or token must fail at once instead of being retried.
    const { items } = await yard.events.list({ limit: 1, signal });
    const position = since ?? items[0]?.position ?? 0;
    out.note(`Watching ${stack ?? "all stacks"}; Ctrl-C ends.`);
    const watched = { since: position, signal, ...defined({ stackId: stack }) };
    const among = new Map<string, NamedActor>();
    for await (const entry of yard.watch(watched)) {
      if (entry.actorId !== undefined) among.set(entry.actorId, { actor: entry.actor, actorId: entry.actorId });
      const options = { stack: stack === undefined, among: [...among.values()] };
      out.result(entry, () => formatHistoryEntry(entry, out, options));
      if (stack !== undefined && entry.outcome === "removed") return 0;
    }
    return 130;
  },
});

type TaskStatus = StackSummary["tasks"][number]["status"];

const STYLES: Readonly<Record<TaskStatus, Style>> = { PENDING: "cyan", SATISFIED: "green", ERROR: "red" };

/** Returns the row of a stack in the list of waiting stacks. */
export function toWaitingRow(stack: StackSummary, out: Painter, now: number): readonly string[] {
  const row = [out.paint("bold", stack.id), stack.machine, formatState(stack, out), toAge(stack.enteredAt, now)];
  return [...row, stack.waiting?.summary ?? "It is gone."];
}

function formatTimer({ dueAt, refused, skipped }: StackDetails["timers"][number]): string {
  if (refused !== undefined) {
    const { at, code, reason, givenUpAt } = refused;
    return `${givenUpAt === undefined ? "refused" : "given up"}, was due ${at} (${code}: ${reason})`;
  }
  if (skipped === undefined) return `due ${dueAt}`;
  const { count, at, code, reason } = skipped;
  return `due ${dueAt}; ${count} skipped, the last ${at} (${code}: ${reason})`;
}

/** Formats a stack with everything that explains its present state. */
export function formatStack(stack: StackDetails, out: Painter, now: number): string {
  const { id, machine, machineHash, previousState, metadata, pull } = stack;
  const facts = [
    ["machine", `${machine} ${out.paint("dim", machineHash.slice(0, 12))}`],
    [
      "state",
      `${formatState(stack, out)}${previousState === null ? "" : ` (was ${previousState})`} for ${toAge(stack.enteredAt, now)}`,
    ],
    ...(pull === undefined ? [] : [["pull", `${pull.repository.fullName}#${pull.number} ${pull.url}`]]),
    ...(Object.keys(metadata).length === 0 ? [] : [["metadata", JSON.stringify(metadata)]]),
    ["changed", `${stack.updatedAt} (created ${stack.createdAt})`],
  ];
  const factRows = facts.map(([name = "", value = ""]) => [`  ${out.paint("dim", name)}`, value]);
  const timers = stack.timers.map((timer) => [`  ${toTimerName(timer.event, timer.task)}`, formatTimer(timer)]);
  return [
    out.paint("bold", id),
    stack.summary,
    "",
    formatTable(factRows, { columns: out.columns, keepLast: true }),
    ...toSection("Tasks", toTaskRows(stack, out), out),
    ...toSection("Approvals", toApprovalRows(stack), out),
    ...toFailureSection(stack, out, now),
    ...toSection("Waiting events", toParkedRows(stack.parked, out), out),
    ...toSection("Timers", timers, out),
    ...toSection("Earlier work that still runs", toOldRows(stack), out),
  ].join("\n");
}

function toTimerName(event: string, task: string | undefined): string {
  if (task === undefined) return event;
  return event === "TASK_TIMED_OUT" ? `end of the approval of ${task}` : `next try of ${task}`;
}

/** Returns the rows of a stack's open approvals. */
function toApprovalRows({ approvals = [] }: StackDetails): readonly (readonly string[])[] {
  return approvals.map((approval) => {
    const { task, from, askedBy, of, comment } = approval;
    const asked = askedBy === undefined ? "" : ` Asked by ${nameApart(askedBy, listPeople(approval))}.`;
    const repeat = of === undefined ? "" : ` Repeat with --of ${JSON.stringify(of)}.`;
    const why = comment === "required" ? " Needs --comment." : "";
    return [`  ${task}`, formatGiven(approval), `From ${from.join(", ")}.${asked}${repeat}${why}`];
  });
}

/** Lists everybody whom an approval names. */
export function listPeople({ askedBy, given }: Pick<Approval, "askedBy" | "given">) {
  return [...(askedBy === undefined ? [] : [askedBy]), ...given.map(({ by }) => by)];
}

/** Formats how many people have approved, and their names. */
export function formatGiven(approval: Pick<Approval, "given" | "count" | "askedBy">): string {
  const { given, count } = approval;
  const people = listPeople(approval);
  const names = given.length === 0 ? "" : ` (${given.map(({ by }) => nameApart(by, people)).join(", ")})`;
  return `${given.length} of ${count}${names}`;
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

/** A failed task's message may have many lines. */
const MOST_WHY_CHARACTERS = 500;

function toTaskRows(stack: StackDetails, out: Painter): readonly (readonly string[])[] {
  return stack.tasks.map((task) => [
    `  ${task.name}`,
    out.paint(STYLES[task.status], task.status),
    task.detail ?? "",
    explainTask(stack, task, out),
  ]);
}

function explainTask({ state, lastFailure }: StackDetails, task: StackDetails["tasks"][number], out: Painter): string {
  const { name, status, why, attempt, waitsFor } = task;
  if (status === "PENDING" && attempt?.progressMessage !== undefined && !TELLS_PROGRESS.has(waitsFor?.kind)) {
    return `${why} ${out.paint("dim", attempt.progressMessage)}`;
  }
  if (status !== "ERROR") return why;
  // Its message is shown once, below.
  if (lastFailure?.task === name && lastFailure.state === state) return "Failed; see the last failure.";
  return toOneLine(why, MOST_WHY_CHARACTERS);
}

/** Waits whose reason includes the progress of the attempt; of one that is queued or being stopped it does not. */
const TELLS_PROGRESS: ReadonlySet<string | undefined> = new Set(["lease", "poll", "opening"]);

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

/** Formats the state, with the stack's problems. */
export function formatState(
  {
    state,
    stalled,
    failed,
    degraded,
    overdue,
    needsPerson,
  }: Pick<StackSummary, "state" | "stalled" | "failed" | "degraded" | "overdue" | "needsPerson">,
  out: Painter,
): string {
  if (degraded && !needsPerson) return `${state}${out.paint("dim", " degraded, acknowledged")}`;
  const words = { failed, degraded, overdue };
  const marks = [stalled?.code, ...Object.entries(words).map(([word, isTrue]) => (isTrue ? word : undefined))];
  const shown = (stalled === undefined ? marks : marks.slice(0, 1)).filter((mark) => mark !== undefined);
  return `${state}${shown.map((mark) => out.paint("red", ` ${mark}`)).join("")}`;
}

/** Formats the tasks for a row of a list. */
export function formatTasks({ tasks }: StackSummary): string {
  const parts = (["PENDING", "ERROR", "SATISFIED"] as const).map((wanted) => {
    const names = tasks.filter(({ status }) => status === wanted).map(({ name }) => name);
    return names.length === 0 ? "" : `${wanted}: ${names.join(", ")}`;
  });
  return parts.filter((part) => part !== "").join("; ") || "–";
}

const OUTCOME_STYLES: Readonly<Record<HistoryEntry["outcome"], Style>> = {
  applied: "green",
  removed: "green",
  parked: "yellow",
  refused: "yellow",
  "dead-lettered": "red",
  ignored: "dim",
};

/** Formats one line of the history for people. `among`: the lines in which senders with one name are distinguished. */
export function formatHistoryEntry(
  entry: HistoryEntry,
  out: Painter,
  options: { readonly stack?: boolean; readonly among?: readonly NamedActor[] } = {},
): string {
  const { at, stackId, event, task, outcome } = entry;
  const actor = nameSender(entry, options.among ?? []);
  const words = [
    out.paint("dim", at.replace("T", " ").replace(/\.\d+Z$/, "Z")),
    ...(options.stack === false ? [] : [out.paint("cyan", stackId)]),
    task === undefined ? event : `${event} ${task}`,
    out.paint(OUTCOME_STYLES[outcome], outcome),
    toWay(entry),
    ...(entry.sent.length === 0 ? [] : [`sent ${entry.sent.join(", ")}`]),
    toWhy(entry),
    ...(actor === undefined ? [] : [out.paint("dim", `by ${actor}`)]),
  ];
  const line = words.filter((word) => word !== "").join("  ");
  return [line, ...entry.notes.map((note) => `  ${note}`)].join("\n");
}

const MOST_CHARACTERS = 300;

/** Formats the code and reason of a line, if any, and the start of the failed task's message. */
export function toWhy({ code, reason, description }: Pick<HistoryEntry, "code" | "reason" | "description">): string {
  const said = toOneLine(description ?? "", MOST_CHARACTERS);
  return [code, reason, said].filter((part) => part !== undefined && part !== "").join(": ");
}

function toWay({ from, to, outcome }: HistoryEntry): string {
  if (outcome === "removed") return from === undefined ? "" : `${from} → removed`;
  if (from === undefined || to === undefined || from === to) return to ?? from ?? "";
  return `${from} → ${to}`;
}

/** Joins lines into one; keeps the start and the end of a long text, because tools print errors there. */
export function toOneLine(text: string, mostCharacters: number): string {
  return cutMiddle(text.replace(/\s+/g, " ").trim(), mostCharacters, " … ");
}

/** Formats a stack's last failure for a row of a list. A resolved one is not highlighted. */
export function formatFailureCell(failure: LastFailure, out: Painter, now: number): string {
  const { task, code, message = "", at, resolvedAt, acknowledged } = failure;
  const what = [task, code].filter((part) => part !== undefined).join(" ");
  const end = resolvedAt !== undefined ? ", resolved" : acknowledged !== undefined ? ", acknowledged" : "";
  const why = end === "" ? toOneLine(message, 80) : "";
  return `${out.paint(end === "" ? "red" : "dim", `${what} ${toAge(at, now)} ago${end}`)}${why === "" ? "" : `: ${why}`}`;
}

const MOST_LINES = 12;

/** Formats a stack's last failure, the start of its task's message, and where to find the rest. */
export function formatFailure(
  { task, state, attempt, code, message = "", at, resolvedAt, acknowledged }: LastFailure,
  { stackId, out, now }: { readonly stackId: string; readonly out: Painter; readonly now: number },
): string {
  const times = attempt === 0 ? "never sent" : `attempt ${attempt}`;
  const known = acknowledged === undefined ? "" : formatAcknowledged(acknowledged, now);
  const resolved = resolvedAt === undefined ? known : `, resolved ${toAge(resolvedAt, now)} ago`;
  const head = `  ${task} of ${state}  ${code ?? "failed"}  ${times}, ${toAge(at, now)} ago${resolved} (${at})`;
  const lines = message.split("\n").filter((line) => line.trim() !== "");
  const log =
    attempt === 0 ? [] : [`  ${out.paint("dim", `Log: ${toShellCommand`stackyard stacks logs ${stackId} ${task}`}`)}`];
  return [resolved === "" ? out.paint("red", head) : head, ...toEnds(lines).map((line) => `    ${line}`), ...log].join(
    "\n",
  );
}

function formatAcknowledged({ by, at, reason }: NonNullable<LastFailure["acknowledged"]>, now: number): string {
  const who = by === undefined ? "" : ` by ${by}`;
  return `, acknowledged${who} ${toAge(at, now)} ago${reason === undefined ? "" : `: ${toOneLine(reason, 200)}`}`;
}

function toEnds(lines: readonly string[]): readonly string[] {
  if (lines.length <= MOST_LINES) return lines;
  return [...lines.slice(0, MOST_LINES / 2), "…", ...lines.slice(-MOST_LINES / 2)];
}
