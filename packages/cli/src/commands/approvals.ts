import {
  defined,
  isStackyardError,
  MAX_TASK_NAME,
  mapLimited,
  nameApart,
  optionalFlag,
  optionalText,
} from "@stackyard/core";
import { approveTask, fieldOf } from "@stackyard/core/api/operations";
import type { Approval, OperationAnswer, StackCommits, Stackyard } from "@stackyard/sdk";
import { formatTable, toCell } from "@stackyard/sdk/commands";
import { type Static, type TObject, Type } from "typebox";

import { failWith } from "../failure.ts";
import { type Painter, toAge } from "../output.ts";
import { defineServerCommand, type ServerContext } from "../server/connection.ts";
import { formatTrouble } from "./deploys.ts";
import { formatOperation } from "./operations.ts";
import { printPages } from "./print-list.ts";
import { limitArg, sortArg, stackArg, taskArg } from "./stack-args.ts";
import { formatGiven, listPeople } from "./stacks.ts";

/** `stackyard approvals ls` */
export const approvalsLs = defineServerCommand({
  name: "approvals ls",
  summary: "List open approvals.",
  examples: {
    "stackyard approvals ls --mine": "List what you may approve.",
    "stackyard approvals ls --sort enteredAt -n 20": "List those of the 20 stacks that have waited longest.",
    "stackyard approvals ls --json": "Print one JSON object per line.",
  },
  args: Type.Object({
    mine: optionalFlag("Only approvals that you may give."),
    ...sortArg,
    ...limitArg,
  }),
  async run({ out, yard, signal }, { mine = false, limit, sort }) {
    const load = (page: { readonly limit: number }) =>
      yard.approvals.list({ mine, ...page, ...defined({ sort }), signal });
    const releases = new Set<string>();
    const shown = await printPages(load, { ...APPROVALS, toRow: noteReleases(releases) }, { out, limit });
    if (shown === 0) out.note(mine ? "Nothing waits for your approval." : "Nothing waits for an approval.");
    const trouble = await mapLimited([...releases], AT_ONCE, (release) => loadTrouble(yard, release, signal));
    if (trouble.flat().length > 0) out.text(["", ...trouble.flat()].join("\n"));
  },
});

const AT_ONCE = 8;

/** Returns the rows, and adds each release that needs a plan to a set. */
function noteReleases(releases: Set<string>): typeof toRow {
  return (approval, out, now) => {
    if (PLAN_DIGEST.test(approval.of ?? "")) releases.add(approval.stackId);
    return toRow(approval, out, now);
  };
}

const PLAN_DIGEST = /^[0-9a-f]{64}$/;

/** Returns what is wrong now in the environments that a release has reached before it asks. */
async function loadTrouble(
  yard: Pick<Stackyard, "deploys">,
  release: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  try {
    const deploys = await yard.deploys.list(release, { signal, trouble: true });
    return deploys.flatMap(formatTrouble).map((line) => `${release}: ${line}`);
  } catch (error) {
    // It was removed meanwhile.
    if (isStackyardError(error, "STACK_UNKNOWN") || isStackyardError(error, "NOT_FOUND")) return [];
    throw error;
  }
}

function toRow(approval: Approval, out: Painter, now: number): readonly string[] {
  const { stackId, task, from, askedBy, askedAt, of } = approval;
  const asker = askedBy === undefined ? "–" : nameApart(askedBy, listPeople(approval));
  return [
    out.paint("bold", stackId),
    task,
    formatGiven(approval),
    from.join(", "),
    asker,
    toAge(askedAt, now),
    of ?? "",
  ];
}

const APPROVALS = { columns: ["STACK", "TASK", "APPROVALS", "FROM", "ASKED BY", "FOR", "WHAT"], toRow };

/** `stackyard approvals commits` */
export const approvalsCommits = defineServerCommand({
  name: "approvals commits",
  summary: "List the commits between the last success of a stack and what is approved.",
  description:
    "A server with the plugin @stackyard/hosts asks the code host, if its option `commits` names the repository. Otherwise prints where the host compares them.",
  examples: { "stackyard approvals commits web-1 sign-off": "List what the approval would bring." },
  args: Type.Object({ ...stackArg, task: taskArg }),
  async run(context, { stack, task }) {
    const { yard, out, signal } = context;
    await findApproval(context, stack, task);
    const commits = await yard.stacks.commits(stack, { task, signal });
    out.result(commits, () => formatCommits(commits, out.columns));
  },
});

function formatCommits(found: StackCommits, columns: number | undefined): string {
  const { since, before, now, compareUrl, commits = [], isCut = false, dropped = 0, unknown } = found;
  if (since === undefined) return "The stack has not succeeded yet, as far as its history is kept.";
  const place = `since the last ${since.kind} at ${since.at}`;
  if (before === undefined || now === undefined) return `No commit has changed ${place}.`;
  const rows = commits.map(({ id, subject, author = "" }) => [
    id.slice(0, 9),
    toCell(author, 40),
    toCell(subject, 200),
  ]);
  return [
    `${before.slice(0, 9)} to ${now.slice(0, 9)}, ${place}`,
    ...(rows.length === 0 ? [] : [formatTable(rows, { columns, keepLast: true })]),
    ...(isCut ? ["There are more."] : []),
    ...(dropped === 0 ? [] : [`Commits of then that would go: ${dropped}.`]),
    ...(unknown === undefined ? [] : [`No list: ${toCell(unknown, 1_000)}`]),
    ...(compareUrl === undefined ? [] : [`Compare: ${toCell(compareUrl, 2_000)}`]),
  ].join("\n");
}

const answerArgs = {
  ...stackArg,
  task: taskArg,
  comment: fieldOf(approveTask, "comment", { description: "Why; recorded in the history." }),
};

/** `stackyard approvals approve` */
export const approvalsApprove = defineServerCommand({
  name: "approvals approve",
  summary: "Approve a task.",
  description:
    "Approves what the stack asks now. If its metadata changes, your approval is discarded and the stack asks again. The tasks that wait for it start with the last approval that is needed.",
  examples: {
    "stackyard approvals approve web-1 sign-off": "Approve.",
    'stackyard approvals approve web-1 sign-off --of sha256:9f2c --comment "tested"':
      "Repeat what you approve, and say why.",
  },
  args: Type.Object({
    ...answerArgs,
    of: optionalText("What you approve, such as a digest. Required where the machine names it.", {
      minLength: 1,
      maxLength: MAX_TASK_NAME,
    }),
  }),
  async run(context, { stack, task, comment, of }) {
    const { yard, signal } = context;
    const approval = await findApproval(context, stack, task);
    const result = await yard.approvals.approve(approval.id, { signal, ...defined({ comment, of }) });
    return formatOperation(context, result, `has your approval of ${task}`);
  },
});

/** `stackyard approvals reject` */
export const approvalsReject = defineServerCommand({
  name: "approvals reject",
  summary: "Reject a task: it fails with APPROVAL_REJECTED.",
  examples: { 'stackyard approvals reject web-1 sign-off --comment "wrong version"': "Reject and say why." },
  args: Type.Object(answerArgs),
  run: (context, args) => answer(context, args, { name: "reject", done: `has your rejection of ${args.task}` }),
});

/** `stackyard approvals withdraw` */
export const approvalsWithdraw = defineServerCommand({
  name: "approvals withdraw",
  summary: "Take back your own approval.",
  examples: { "stackyard approvals withdraw web-1 sign-off": "Take it back." },
  args: Type.Object(answerArgs),
  run: (context, args) =>
    answer(context, args, { name: "withdraw", done: `no longer has your approval of ${args.task}` }),
});

async function answer(
  context: ServerContext,
  { stack, task, comment }: Static<TObject<typeof answerArgs>>,
  { name, done }: { readonly name: "reject" | "withdraw"; readonly done: string },
): Promise<number> {
  const { yard, signal } = context;
  const approval = await findApproval(context, stack, task);
  const result: OperationAnswer = await yard.approvals[name](approval.id, { signal, ...defined({ comment }) });
  return formatOperation(context, result, done);
}

/** Returns a stack's open approval. Throws `NOT_FOUND` when the task waits for no approval. */
async function findApproval({ yard, signal }: ServerContext, stack: string, task: string): Promise<Approval> {
  const { approvals = [], tasks, state } = await yard.stacks.get(stack, { signal });
  const found = approvals.find((approval) => approval.task === task);
  if (found !== undefined) return found;
  const known = tasks.find(({ name }) => name === task);
  const is = known === undefined ? `${state} has no such task` : `it is ${known.detail ?? known.status}`;
  const open = approvals.map((approval) => approval.task).join(", ");
  throw failWith("NOT_FOUND", `Task "${task}" of "${stack}" waits for no approval: ${is}.`, {
    hint: open === "" ? "`stackyard approvals ls` lists open approvals." : `Open approvals of this stack: ${open}.`,
  });
}
