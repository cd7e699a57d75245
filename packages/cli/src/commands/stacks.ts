import { isStackyardError } from "@stackyard/core";
import type { Attempt, ListedParkedEvent, StackFilter, StackSummary } from "@stackyard/sdk";
import { formatTable } from "@stackyard/sdk/commands";
import { Type } from "typebox";
import { checkState } from "../client/check-state.ts";
import { readPages } from "../client/read-pages.ts";
import { defineServerCommand, type ServerContext } from "../client/server-command.ts";
import { tellEntry } from "../client/tell-history.ts";
import {
  tellParked,
  tellStack,
  toStackColumns,
  toStackRow,
  toWaitingRow,
  WAITING_COLUMNS,
} from "../client/tell-stack.ts";
import { failWith } from "../shell/failure.ts";

/** The stack that a command is about. */
export const stackArg = {
  stack: Type.String({ minLength: 1, maxLength: 255, completes: "stack", description: "The stack's id." }),
};

const limitArg = { limit: Type.Optional(Type.Integer({ minimum: 1, short: "n", description: "At most so many." })) };

interface ListFilter extends Omit<StackFilter, "idPrefix"> {
  readonly prefix?: string;
}

/** `stackyard stacks ls` */
export const stacksLs = defineServerCommand({
  name: "stacks ls",
  summary: "List the stacks, in order of their ids.",
  examples: [
    { command: "stackyard stacks ls --condition failed", what: "Those with a failed task." },
    { command: "stackyard stacks ls --waiting", what: "What each one that waits is waiting for, and for whom." },
    { command: "stackyard stacks ls --waiting --condition any", what: "The same of all, quiet ones too." },
    { command: "stackyard stacks ls --machine review-app --json", what: "Those of a machine, one JSON object a line." },
  ],
  args: Type.Object({
    machine: Type.Optional(Type.String({ short: "m", completes: "machine", description: "Only of this machine." })),
    state: Type.Optional(
      Type.String({ completes: "state", description: "Only in this state. Names are case-sensitive." }),
    ),
    prefix: Type.Optional(Type.String({ completes: "stack", description: "Only ids that begin so." })),
    condition: Type.Optional(
      Type.Union(
        [
          Type.Literal("failed"),
          Type.Literal("stalled"),
          Type.Literal("overdue"),
          Type.Literal("busy"),
          Type.Literal("waiting"),
          Type.Literal("any"),
        ],
        {
          description:
            "Only with a failed task, stalled, overdue, with a running task, or one of these; any: all of them.",
        },
      ),
    ),
    waiting: Type.Optional(
      Type.Boolean({
        short: "w",
        description:
          "What each waits for; without --condition only those that are not quiet. With --condition any also those that wait for an event or a timer alone.",
      }),
    ),
    ...limitArg,
  }),
  async run(context, { limit, ...filter }) {
    const { out, yard, signal } = context;
    let shown = 0;
    for await (const items of readPages((page) => yard.stacks.list(toFilter(filter), { ...page, signal }), {
      out,
      limit,
    })) {
      printStacks(context, items, { withHead: shown === 0, waiting: filter.waiting === true });
      shown += items.length;
    }
    if (shown > 0) return 0;
    if (filter.state !== undefined) await checkState(context, filter.state, filter.machine);
    out.note(tellNone(filter));
    return 0;
  },
});

/** What is empty: the yard, or what the filter leaves of it. */
function tellNone({ machine, state, prefix, condition, waiting }: ListFilter): string {
  const flags = [
    machine === undefined ? "" : `--machine ${machine}`,
    state === undefined ? "" : `--state ${state}`,
    prefix === undefined ? "" : `--prefix ${prefix}`,
    condition === undefined ? "" : `--condition ${condition}`,
    waiting === true ? "--waiting" : "",
  ].filter((flag) => flag !== "");
  if (flags.length > 0) return `No stack matches ${flags.join(" ")}.`;
  return "No stacks yet. `stackyard send STACK EVENT --machine MACHINE` creates one.";
}

function toFilter({ prefix, machine, state, condition, waiting }: ListFilter): StackFilter {
  return {
    ...(machine === undefined ? {} : { machine }),
    ...(state === undefined ? {} : { state }),
    ...(prefix === undefined ? {} : { idPrefix: prefix }),
    ...(condition === undefined ? {} : { condition }),
    ...(waiting === undefined ? {} : { waiting }),
  };
}

function printStacks(
  { out }: ServerContext,
  stacks: readonly StackSummary[],
  { withHead, waiting }: { readonly withHead: boolean; readonly waiting: boolean },
): void {
  if (stacks.length === 0) return;
  if (out.json) {
    for (const stack of stacks) out.result(stack, () => "");
    return;
  }
  const [columns, toRow] = waiting ? [WAITING_COLUMNS, toWaitingRow] : [toStackColumns(stacks), toStackRow];
  const rows = stacks.map((stack) => toRow(stack, out, Date.now()));
  const head = columns.map((name) => out.paint("dim", name));
  out.text(formatTable(withHead ? [head, ...rows] : rows, { columns: out.columns }));
}

/** `stackyard stacks show` */
export const stacksShow = defineServerCommand({
  name: "stacks show",
  summary: "Show a stack: its tasks and why each waits, waiting events, timers.",
  examples: [
    { command: "stackyard stacks show pr-12", what: "Why it stands where it stands." },
    { command: "stackyard stacks show pr-12 --log", what: "With the end of each task's log." },
  ],
  args: Type.Object({
    ...stackArg,
    log: Type.Optional(
      Type.Boolean({ description: "Also the end of the log of each task; it comes when the attempt ends." }),
    ),
  }),
  positionals: ["stack"],
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
      const told = [...logs, ...open].map(
        ({ task, text }) => `\n${out.paint("bold", `Log of ${task}`)}\n${text.trimEnd()}`,
      );
      return [tellStack(stack, out, Date.now()), ...told].join("\n");
    });
    return 0;
  },
});

/** Of a stack that does not exist yet, shows the events that wait for it. Throws the error, with what to do. */
async function explainMissing({ out, yard, signal }: ServerContext, id: string, error: unknown): Promise<never> {
  if (!isStackyardError(error, "STACK_UNKNOWN")) throw error;
  const { items } = await yard.events.listParked({ stackId: id }, { signal });
  const [first] = items;
  if (first === undefined) throw error;
  out.result({ id, parked: items }, () => tellParked(items, out));
  const count = items.length === 1 ? "1 event waits" : `${items.length} events wait`;
  throw failWith("STACK_UNKNOWN", `There is no stack "${id}" yet; ${count} for it.`, { hint: adviseOn(first) });
}

function adviseOn({ code, machine = "" }: ListedParkedEvent): string {
  switch (code) {
    case "MACHINE_INVALID":
      return `\`stackyard machines show ${machine}\` lists the errors. When they are corrected, the event is applied by itself.`;
    case "MACHINE_UNKNOWN":
      return "`stackyard machines ls` lists the machines. When this one exists, the event is applied by itself.";
    default:
      return `\`stackyard machines show ${machine}\` lists the events that the state INIT handles: send one of them with --machine ${machine}.`;
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
  summary: "Show what has happened to a stack, also after its removal; the newest last.",
  examples: [{ command: "stackyard stacks history pr-12 -n 20", what: "The last 20 lines." }],
  args: Type.Object({ ...stackArg, ...limitArg }),
  positionals: ["stack"],
  async run({ out, yard, signal }, { stack, limit = 100 }) {
    const entries = [];
    for await (const items of readPages((page) => yard.stacks.history(stack, { ...page, order: "newest", signal }), {
      out,
      limit,
    })) {
      entries.push(...items);
    }
    if (entries.length === 0) {
      throw failWith("STACK_UNKNOWN", `Nothing has happened to a stack "${stack}".`);
    }
    for (const entry of entries.reverse()) out.result(entry, () => tellEntry(entry, out, { stack: false }));
    return 0;
  },
});

/** `stackyard stacks watch` */
export const stacksWatch = defineServerCommand({
  name: "stacks watch",
  summary: "Follow what happens, to one stack or to all.",
  description:
    "Goes on over restarts of the server. With a stack it ends when the stack is removed; else Ctrl-C ends it.",
  examples: [
    { command: "stackyard stacks watch pr-12", what: "Until it is removed." },
    { command: "stackyard stacks watch --json", what: "The whole yard, one JSON object a line." },
  ],
  args: Type.Object({
    stack: Type.Optional(
      Type.String({ minLength: 1, maxLength: 255, completes: "stack", description: "The stack's id. Default: all." }),
    ),
    since: Type.Optional(Type.Integer({ minimum: 0, description: "Begin after this position of the history." })),
  }),
  positionals: ["stack"],
  async run({ out, yard, signal }, { stack, since }) {
    // A look first: a wrong address or token is told at once, not tried for ever.
    const { items } = await yard.events.list({ limit: 1, signal });
    const position = since ?? items[0]?.position ?? 0;
    out.note(`Watching ${stack ?? "all stacks"}; Ctrl-C ends.`);
    const watched = { since: position, signal, ...(stack === undefined ? {} : { stackId: stack }) };
    for await (const entry of yard.watch(watched)) {
      out.result(entry, () => tellEntry(entry, out, { stack: stack === undefined }));
      if (stack !== undefined && entry.outcome === "removed") return 0;
    }
    return 130;
  },
});
