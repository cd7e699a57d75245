import { defined, optionalFlag, optionalText } from "@stackyard/core";
import { STACK_CONDITIONS } from "@stackyard/core/api";
import type { OpenAttempt, StackCounts, StackFilter, StackSummary } from "@stackyard/sdk";
import { formatTable } from "@stackyard/sdk/commands";
import { checkState, parseMetadata } from "@stackyard/sdk/send";
import { Type } from "typebox";

import { type Painter, toAge } from "../output.ts";
import { defineServerCommand, readPages, type ServerContext } from "../server/connection.ts";
import { findRevisionHash } from "./machines.ts";
import { printItems, printPages } from "./print-list.ts";
import { limitArg, metadataArg, sortArg, stackFilterArgs } from "./stack-args.ts";
import { formatFailureCell, formatState, formatTasks, toWaitingRow } from "./stacks.ts";

const filterArgs = {
  ...stackFilterArgs,
  prefix: optionalText("Only ids that start with this text.", { completes: "stack" }),
  metadata: metadataArg("Only stacks with this metadata:", "At most 5 keys."),
  revision: optionalText("Only stacks of this revision: the whole hash, or its first digits together with --machine.", {
    pattern: "^[0-9a-f]{4,64}$",
    placeholder: "hash",
  }),
  task: optionalText("Only stacks in which this task has failed.", { minLength: 1, completes: "task" }),
  code: optionalText('Only stacks in which a task has failed with this code; "" for no code.'),
  condition: Type.Optional(
    Type.Enum([...STACK_CONDITIONS, "any"], {
      description:
        "Only stacks with a failed task, degraded, stalled, overdue, with an open approval, with a running task, or with one of these; any: all stacks.",
    }),
  ),
};

interface FilterArgs extends Omit<StackFilter, "idPrefix" | "metadata" | "ids"> {
  readonly prefix?: string;
  readonly metadata?: readonly string[];
}

/** Returns the filter that the arguments describe. Throws `USAGE` for invalid metadata or an invalid revision. */
async function toFilter(context: ServerContext, args: FilterArgs): Promise<StackFilter> {
  const { prefix, metadata, revision, machine, state, text, task, code, condition, waiting, needsPerson, behind } =
    args;
  const hash = revision === undefined ? undefined : await findRevisionHash(context, { digits: revision, machine });
  return {
    ...defined({ machine, state, text, task, code, condition, waiting, needsPerson, behind, idPrefix: prefix }),
    ...(metadata !== undefined && { metadata: parseMetadata(metadata) }),
    ...defined({ revision: hash }),
  };
}

/** `stackyard stacks ls` */
export const stacksLs = defineServerCommand({
  name: "stacks ls",
  summary: "List stacks, ordered by id.",
  examples: {
    "stackyard stacks ls --condition failed": "List stacks with a failed task.",
    "stackyard stacks ls --needs-person": "List stacks that need attention.",
    "stackyard stacks ls --condition degraded":
      "List stacks that have moved on after a failure that no success has resolved.",
    "stackyard stacks ls --waiting": "Show what each waiting stack waits for.",
    "stackyard stacks ls --waiting --condition any": "The same for all stacks, including quiet ones.",
    "stackyard stacks ls --machine review-app --json": "List the stacks of a machine, one JSON object per line.",
    "stackyard stacks ls --metadata branch=main --sort -updatedAt -n 20":
      "List the 20 stacks of a branch that changed last.",
  },
  args: Type.Object({
    ...filterArgs,
    ...sortArg,
    waiting: optionalFlag(
      "Show what each stack waits for. Omits quiet stacks, which wait only for an event or a timer, unless you pass --condition any.",
      { short: "w" },
    ),
    ...limitArg,
  }),
  async run(context, { limit, sort, ...args }) {
    const { out, yard, signal } = context;
    const filter = await toFilter(context, args);
    const load = (page: { readonly limit: number }) =>
      yard.stacks.list(filter, { ...page, ...defined({ sort }), signal });
    let shown = 0;
    for await (const items of readPages(load, { out, limit })) {
      const table = args.waiting === true ? WAITING : { columns: toStackColumns(items), toRow: toStackRow };
      printItems(items, table, { out, withHead: shown === 0 });
      shown += items.length;
    }
    if (shown > 0) return 0;
    if (args.state !== undefined) await checkState(context, args.state, args.machine);
    out.note(formatNoneFound(args));
    return 0;
  },
});

/** Formats the message of an empty list, which depends on whether a filter was given. */
function formatNoneFound({ waiting, metadata = [], ...args }: FilterArgs): string {
  const flags = [
    ...Object.entries(defined(args)).map(([name, value]) => `--${name} ${value}`),
    ...metadata.map((each) => `--metadata ${each}`),
    ...(waiting === true ? ["--waiting"] : []),
  ];
  if (flags.length > 0) return `No stack matches ${flags.join(" ")}.`;
  return "No stacks yet. `stackyard send STACK EVENT --machine MACHINE` creates one.";
}

function toStackRow(stack: StackSummary, out: Painter, now: number): readonly string[] {
  return [
    out.paint("bold", stack.id),
    stack.machine,
    formatState(stack, out),
    formatTasks(stack),
    toAge(stack.enteredAt, now),
    ...(stack.lastFailure === undefined ? [] : [formatFailureCell(stack.lastFailure, out, now)]),
  ];
}

/** Returns the column heads of `toStackRow`; the last one only if a stack has had a failure. */
function toStackColumns(stacks: readonly StackSummary[]): readonly string[] {
  const columns = ["STACK", "MACHINE", "STATE", "TASKS", "FOR"];
  return stacks.some(({ lastFailure }) => lastFailure !== undefined) ? [...columns, "LAST FAILURE"] : columns;
}

const WAITING = { columns: ["STACK", "MACHINE", "STATE", "FOR", "WAITS FOR"], toRow: toWaitingRow };

/** `stackyard stacks counts` */
export const stacksCounts = defineServerCommand({
  name: "stacks counts",
  summary: "Count stacks by machine, state, condition or revision.",
  description: "Prints the total and the 200 largest groups. A stack may have several conditions, or none.",
  examples: {
    "stackyard stacks counts --by state --machine review-app": "Count the stacks in each state.",
    "stackyard stacks counts --by condition --json": "Print total and groups as one JSON object.",
  },
  args: Type.Object({
    ...filterArgs,
    by: Type.Optional(
      Type.Enum(["machine", "state", "condition", "revision"], { description: "Default: only the total." }),
    ),
  }),
  async run(context, { by, ...args }) {
    const { out, yard, signal } = context;
    const counts = await yard.stacks.counts(await toFilter(context, args), { ...defined({ by }), signal });
    out.result(counts, () => formatCounts(counts, out));
  },
});

/** Formats the groups as a table with the total below it. */
export function formatCounts({ total, groups, moreGroups }: StackCounts, out: Painter): string {
  const rows = groups.map(({ machine, state, condition, revision, count }) => {
    const names = [machine, state, condition, revision?.slice(0, 12)].filter((name) => name !== undefined);
    return [String(count), ...names];
  });
  const more = moreGroups === undefined ? [] : [`… and ${moreGroups} more groups.`];
  const sum = `${total} ${total === 1 ? "stack" : "stacks"}`;
  return [...(rows.length === 0 ? [] : [formatTable(rows, { columns: out.columns })]), ...more, sum].join("\n");
}

/** `stackyard attempts ls` */
export const attemptsLs = defineServerCommand({
  name: "attempts ls",
  summary: "List the attempts of all stacks that have not ended, oldest first.",
  examples: {
    "stackyard attempts ls --status queued": "List what waits for an exclusive key.",
    "stackyard attempts ls --executor terraform --json": "Print one JSON object per line.",
  },
  args: Type.Object({
    status: Type.Optional(
      Type.Enum(["unclaimed", "queued", "running", "suspended"], { description: "Only attempts with this status." }),
    ),
    executor: optionalText("Only attempts of this executor.", { minLength: 1 }),
    machine: filterArgs.machine,
    prefix: filterArgs.prefix,
    ...limitArg,
  }),
  async run({ out, yard, signal }, { limit, prefix, ...rest }) {
    const filter = defined({ ...rest, idPrefix: prefix });
    const shown = await printPages((page) => yard.attempts.list(filter, { ...page, signal }), ATTEMPTS, { out, limit });
    if (shown === 0) out.note("No open attempt matches.");
  },
});

const ATTEMPTS = {
  columns: ["STACK", "TASK", "EXECUTOR", "STATUS", "FOR", "RUNNER", "WHAT"],
  toRow: toAttemptRow,
};

function toAttemptRow(attempt: OpenAttempt, out: Painter, now: number): readonly string[] {
  const { stackId, task, executor = "–", status, dispatchedAt, owner = "–", progressMessage = "", queuedFor } = attempt;
  const what = queuedFor === undefined ? progressMessage : `${queuedFor.key}, place ${queuedFor.place}`;
  return [out.paint("bold", stackId), task, executor, status, toAge(dispatchedAt, now), owner, what];
}
