import { createHash } from "node:crypto";
import { defined, type ServiceDeps, type Stack } from "@stackyard/core";
import { findLastDecision, findPullLinks, type HookOutcome } from "@stackyard/core/services";
import type { PullHook } from "../mapping/apply-mapping.ts";
import type { LinkedPerson } from "./linked-people.ts";

/** A question to people, and the code that an answer in a comment repeats. */
export interface OpenApproval {
  readonly task: string;
  readonly approvalId: string;
  /** Unique for every question: another requester, value or metadata gets another code. */
  readonly code: string;
  /** True if the requester may approve too. */
  readonly own: boolean;
  /** The value to approve, if the task names it. */
  readonly of?: string;
}

/** Returns the open approvals of a stack, in the order of its tasks. */
export function listApprovals({ tasks, approvals = {} }: Stack): readonly OpenApproval[] {
  return tasks.flatMap(({ name }) => {
    const found = Object.hasOwn(approvals, name) ? approvals[name] : undefined;
    if (found === undefined) return [];
    const code = createHash("sha256").update(found.id).digest("hex").slice(0, 16);
    return [{ task: name, approvalId: found.id, code, own: found.own === true, ...defined({ of: found.of }) }];
  });
}

/** The dependencies of an answer. */
export type ApproveDeps = Pick<ServiceDeps, "records" | "queries" | "clock" | "findStack" | "approve">;

/** A comment that approves. */
export interface ApproveInput {
  readonly host: string;
  /** The id of the resulting event. The same comment has the same id. */
  readonly eventId: string;
  readonly hook: PullHook;
  /** The person of the yard, or undefined if the sender is not linked to one. */
  readonly person: LinkedPerson | undefined;
}

/**
 * Approves the task in the code of a comment, as the person to whom its author is linked. May be repeated: the event
 * has the same id. Returns undefined while the yard has not decided yet.
 */
export async function approveByComment(
  deps: ApproveDeps,
  { host, eventId, hook, person }: ApproveInput,
): Promise<HookOutcome | undefined> {
  const { sender, pull, repository, args } = hook;
  if (person === undefined) {
    return refuse(`This account is not linked to a person of the yard, and only people may approve.`);
  }
  const [code, ...words] = args?.words ?? [];
  const links = await findPullLinks(deps, { host, repositoryId: repository?.id ?? "0", number: pull.number });
  const stacks = await Promise.all(links.map(({ stackId }) => deps.findStack(stackId)));
  const open = stacks.flatMap((stack) =>
    stack === undefined ? [] : listApprovals(stack).map((approval) => ({ stack, ...approval })),
  );
  // After the stacks: what this comment has approved is not open any more, and then it is in the history.
  const stackIds = links.map(({ stackId }) => stackId);
  const decided = await findDecision(deps, stackIds, eventId);
  if (decided !== undefined) return decided;
  const asked = open.find((approval) => approval.code === code);
  if (asked === undefined) return refuse(describeOpen(open, code));
  const { stack, task, approvalId, own, of } = asked;
  if (sender.id === pull.authorId && !own) {
    return refuse("The author of the pull request may not approve it. Another person must.");
  }
  const about = { id: eventId, stackId: stack.id, machine: stack.machine, task, approvalId };
  const comment = words.length === 0 ? undefined : words.join(" ");
  const user = { id: `${host}/${sender.id}`, name: sender.name };
  const published = await deps.approve({ ...about, ...defined({ of, comment }) }, { ...user, ...person });
  if (published.kind === "invalid") return refuse(`${published.code}: ${published.reason}`);
  return findDecision(deps, [stack.id], eventId);
}

function refuse(reason: string): HookOutcome {
  return { kind: "refused", reason };
}

function describeOpen(open: readonly (OpenApproval & { readonly stack: Stack })[], code: string | undefined): string {
  if (open.length === 0) return "Nothing waits for an approval here.";
  const list = open.map(({ stack, task, code: each }) => `/preview approve ${each} for "${task}" of "${stack.id}"`);
  const what =
    code === undefined ? "Write what you approve" : "What you approve is not open, or has changed. Read it again";
  return `${what}: ${list.join(", ")}.`;
}

/** Returns the yard's decision about an event, from its history. */
async function findDecision(
  deps: ApproveDeps,
  stackIds: readonly string[],
  eventId: string,
): Promise<HookOutcome | undefined> {
  for (const stackId of stackIds) {
    const line = await findLastDecision(deps, { stackId, eventId });
    if (line === undefined || line.outcome === "parked") continue;
    const { event, outcome, code, reason } = line;
    if (outcome === "applied") return { kind: "events", events: [{ id: eventId, stackId, event, rule: "approve" }] };
    return refuse([code, reason].filter((part) => part !== undefined).join(": "));
  }
  return undefined;
}
