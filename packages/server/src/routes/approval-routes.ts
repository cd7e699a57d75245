import { defined } from "@stackyard/core";
import { decideAccess, type Scope, scopesOf } from "@stackyard/core/access";
import type { Approval } from "@stackyard/core/api";
import * as operations from "@stackyard/core/api/operations";
import {
  type ListStacksInput,
  type StackScope,
  type StoredStack,
  toPrinted,
  toStackOrder,
  toStackPlace,
} from "@stackyard/core/engine";
import { mayApprove, parseAttemptId } from "@stackyard/core/machine";
import type { Caller } from "../access/caller.ts";
import { hasEverywhere } from "../access/guard.ts";
import { HttpError } from "../http/problem.ts";
import type { Route, RouteContext } from "../http/route.ts";
import { reply, serve } from "../http/serve.ts";
import { toApprovals } from "../schemas/approval.ts";
import { idOf, operate } from "./operation-routes.ts";
import { readOn } from "./read-on.ts";
import type { RouteDeps } from "./route-deps.ts";
import { pageInput } from "./to-page.ts";

/** Defines the routes of open approvals and of people's answers. */
export function approvalRoutes(deps: RouteDeps): readonly Route[] {
  return [
    listRoute(deps),
    serve(deps, operations.approveTask, (input, context) => answer(deps, { event: "APPROVE_TASK", ...input }, context)),
    serve(deps, operations.rejectTask, (input, context) => answer(deps, { event: "REJECT_TASK", ...input }, context)),
    serve(deps, operations.withdrawApproval, (input, context) => {
      return answer(deps, { event: "WITHDRAW_APPROVAL", ...input }, context);
    }),
  ];
}

/** A stack may have a hundred approvals, so a page of stacks may contain many more approvals. */
const MOST_BYTES = 1_048_576;

function listRoute(deps: RouteDeps): Route {
  return serve(deps, operations.listApprovals, async ({ query: { mine = false, sort, ...query } }, { caller }) => {
    const input = { ...pageInput(query), ...defined({ sort }) };
    const order = toStackOrder(input);
    const scopes = scopesOf(caller.rights, "read").map(toStackScope);
    const list = (part: ListStacksInput) => deps.store.queries.listStacks({ condition: "approval", scopes }, part);
    const page = hasEverywhere(caller.rights, "read") ? await list(input) : await readOn(list, input);
    const items: Approval[] = [];
    let bytes = 0;
    for (const [index, { stack }] of page.items.entries()) {
      const found = toListed(stack, caller).filter((approval) => !mine || approval.mine);
      items.push(...found);
      bytes += JSON.stringify(found).length;
      const isFull = items.length >= input.limit || bytes >= MOST_BYTES;
      if (!isFull || index === page.items.length - 1) continue;
      return reply(200, { ...page, items, cursor: order.toCursor(toStackPlace(order, stack)) });
    }
    return reply(200, { ...page, items });
  });
}

function toStackScope({ machines, stacks }: Scope): StackScope {
  return defined({ machines, idPrefixes: stacks });
}

function toListed(stack: StoredStack["stack"], { rights, sender }: Caller): readonly Approval[] {
  const subject = { kind: "stack", stackId: stack.id, machine: stack.machine } as const;
  const canApprove = decideAccess(rights, "approve", subject) === "allowed";
  return toApprovals(toPrinted.stack(stack)).map((approval) => {
    return { ...approval, mine: canApprove && mayApprove(stack, approval.task, sender) };
  });
}

interface PersonsAnswer {
  readonly event: string;
  readonly params: { readonly approvalId: string };
  readonly body: { readonly comment?: string; readonly of?: string; readonly id?: string };
}

async function answer(deps: RouteDeps, { event, params: { approvalId }, body }: PersonsAnswer, context: RouteContext) {
  const parts = parseAttemptId(approvalId);
  if (parts === undefined) throw new HttpError(404, "NOT_FOUND", `Approval "${approvalId}" not found.`);
  const { stackId, task } = parts;
  const message = { event, task: { name: task }, dispatchId: approvalId, of: body.of, reason: body.comment };
  return operate(deps, { ...message, id: idOf(body, deps.ids), stackId }, context);
}
