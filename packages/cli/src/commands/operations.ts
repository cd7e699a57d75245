import { defined, optionalFlag, toShellCommand } from "@stackyard/core";
import type { OperationAnswer, StackDetails } from "@stackyard/sdk";
import { Type } from "typebox";

import { failWith } from "../failure.ts";
import { defineServerCommand, type ServerContext } from "../server/connection.ts";
import { reasonArg, stackArg, taskArg } from "./stack-args.ts";

/** `stackyard stacks retry` */
export const stacksRetry = defineServerCommand({
  name: "stacks retry",
  summary: "Retry failed tasks, or send pending tasks again.",
  examples: {
    "stackyard stacks retry pr-12": "Start a new attempt of every failed task.",
    "stackyard stacks retry pr-12 --task network": "Retry one task.",
    "stackyard stacks retry pr-12 --pending": "Send pending tasks again, if their messages were lost.",
  },
  args: Type.Object({
    ...stackArg,
    task: Type.Optional(taskArg),
    pending: optionalFlag("Send the pending tasks again, as the same attempts."),
    reason: Type.Optional(reasonArg),
  }),
  async run(context, { stack, task, pending = false, reason }) {
    const options = {
      which: pending ? "pending" : "failed",
      signal: context.signal,
      ...defined({ task, reason }),
    } as const;
    const result = await context.yard.stacks.retry(stack, options);
    if (await sentAnything(context, result)) return formatOperation(context, result, "was retried");
    const advice = adviseInstead(await context.yard.stacks.get(stack, { signal: context.signal }));
    const { out } = context;
    out.result({ ...result, sent: [], advice }, () => {
      const nothing = `${stack} has no ${options.which} task; nothing was sent again.`;
      return [nothing, ...result.notes, ...advice].join("\n  ");
    });
    return 0;
  },
});

/** Returns advice for a stack without tasks that can be retried. */
function adviseInstead(stack: StackDetails): readonly string[] {
  const { id, tasks, reachable, waitsFor } = stack;
  const failed = tasks.filter(({ status }) => status === "ERROR");
  const pending = tasks.filter(({ status }) => status === "PENDING");
  const advice: string[] = [];
  if (failed.length === 0) advice.push(...adviseOnLeft(stack));
  if (failed.length > 0)
    advice.push(`Failed: ${listNames(failed)}. \`${toShellCommand`stackyard stacks retry ${id}`}\` tries again.`);
  if (pending.length > 0) {
    advice.push(
      `Still under way: ${listNames(pending)}. \`${toShellCommand`stackyard stacks logs ${id} --follow`}\` follows it.`,
    );
  }
  if (failed.length > 0 || pending.length > 0) return advice;
  const events = waitsFor?.events ?? [];
  if (events.length > 0) {
    advice.push(
      `To continue, send an event that ${id} handles now:`,
      ...events.map((name) => `  ${toShellCommand`stackyard send ${id} ${name}`}`),
    );
  } else if (reachable !== undefined && (reachable.states.length > 0 || reachable.removal)) {
    advice.push(`It continues automatically: \`${toShellCommand`stackyard stacks show ${id}`}\` shows when.`);
  } else
    advice.push(
      `No event leads on from here: \`${toShellCommand`stackyard stacks upgrade ${id}`}\` moves it to a revision that does.`,
    );
  return advice;
}

function adviseOnLeft({ id, lastFailure, degraded }: StackDetails): readonly string[] {
  if (lastFailure === undefined || lastFailure.resolvedAt !== undefined) return [];
  const { task, state } = lastFailure;
  const why = `"${task}" failed in ${state}, which the stack has left. \`${toShellCommand`stackyard stacks logs ${id} ${task}`}\` shows why.`;
  return degraded && lastFailure.acknowledged === undefined
    ? [why, `\`${toShellCommand`stackyard stacks acknowledge ${id}`}\` acknowledges the failure.`]
    : [why];
}

function listNames(tasks: StackDetails["tasks"]): string {
  return tasks.map(({ name }) => name).join(", ");
}

async function sentAnything({ yard, signal }: ServerContext, result: OperationAnswer): Promise<boolean> {
  if (result.outcome !== "applied") return true;
  const { items } = await yard.events.history(result.eventId, { signal });
  return items.some(({ sent }) => sent.length > 0);
}

/** `stackyard stacks cancel` */
export const stacksCancel = defineServerCommand({
  name: "stacks cancel",
  summary: "Cancel a running task.",
  examples: { "stackyard stacks cancel pr-12 network": "Terraform finishes its current operations, then stops." },
  args: Type.Object({ ...stackArg, task: taskArg, reason: Type.Optional(reasonArg) }),
  positionals: ["stack", "task"],
  async run(context, { stack, task, reason }) {
    const options = { signal: context.signal, ...defined({ reason }) };
    const result = await context.yard.stacks.cancel(stack, task, options);
    return formatOperation(context, result, `was asked to stop ${task}`);
  },
});

/** `stackyard stacks acknowledge` */
export const stacksAcknowledge = defineServerCommand({
  name: "stacks acknowledge",
  summary: "Mark the last failure of a stack as acknowledged.",
  description:
    "A stack whose task has failed for good is degraded after it has moved on, until the task succeeds, or all tasks of a state that you have sent it to succeed. Acknowledging does not end this: the stack shows who has seen the failure and why, and it no longer needs attention. The history and the audit log record it. `bulk run acknowledge --condition degraded` does this for many stacks.",
  examples: {
    'stackyard stacks acknowledge pr-12 --reason "quota raised, next push retries"': "Say why no one needs to act.",
  },
  args: Type.Object({ ...stackArg, reason: Type.Optional(reasonArg) }),
  async run(context, { stack, reason }) {
    const options = { signal: context.signal, ...defined({ reason }) };
    const result = await context.yard.stacks.acknowledge(stack, options);
    return formatOperation(
      context,
      result,
      result.notes.length > 0 ? "is as before" : "shows the failure as acknowledged",
    );
  },
});

/** `stackyard stacks settle` */
export const stacksSettle = defineServerCommand({
  name: "stacks settle",
  summary: "Mark a task as succeeded.",
  description: "The task counts as succeeded, and the stack continues. Its running attempt is abandoned.",
  examples: { 'stackyard stacks settle pr-12 network --reason "made by hand"': "Continue without the task." },
  args: Type.Object({
    ...stackArg,
    task: taskArg,
    approval: Type.Optional(
      Type.Boolean({ description: "The task is an approval, which is then not given. Needs approvals:settle." }),
    ),
    reason: reasonArg,
  }),
  positionals: ["stack", "task"],
  async run(context, { stack, task, reason, approval }) {
    const result = await context.yard.stacks.settle(stack, task, { reason, approval, signal: context.signal });
    return formatOperation(context, result, `counts ${task} as done`);
  },
});

/** `stackyard stacks remove` */
export const stacksRemove = defineServerCommand({
  name: "stacks remove",
  summary: "Delete a stack's record by force. Its resources are kept.",
  description:
    "To destroy an environment, send the event with which its machine does so. This command deletes only the record.",
  examples: { 'stackyard stacks remove pr-12 --force --reason "account is closed"': "Delete the record." },
  args: Type.Object({
    ...stackArg,
    force: optionalFlag("Required. Confirms the deletion."),
    reason: Type.Optional({ ...reasonArg, description: "Required. Reason, recorded in the history." }),
  }),
  async run(context, { stack, force = false, reason }) {
    if (!force || reason === undefined) {
      throw failWith("USAGE", `Removing "${stack}" deletes its record and keeps its resources.`, {
        hint: 'If that is meant, add --force and --reason "why".',
      });
    }
    const result = await context.yard.stacks.remove(stack, { reason, signal: context.signal });
    return formatOperation(context, result, "was removed; what it has made stays");
  },
});

/** Prints what an operation has done; returns the exit code. */
export function formatOperation({ out }: ServerContext, result: OperationAnswer, done: string): number {
  out.result(result, () => {
    const notes = result.notes.map((note) => `\n  ${note}`).join("");
    if (result.outcome !== "waiting") return `${result.stackId} ${done}.${notes}`;
    return `${result.stackId}: accepted, not decided yet. Check \`${toShellCommand`stackyard stacks history ${result.stackId}`}\`.${notes}`;
  });
  return 0;
}
