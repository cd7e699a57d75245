import { defined } from "@stackyard/core";
import { decideAccess, type Scope, scopesOf } from "@stackyard/core/access";
import type { Approval } from "@stackyard/core/api";
import { Approval as ApprovalSchema, OperationAnswer } from "@stackyard/core/api";
import { type StackScope, type StoredStack, toPrinted, toStackOrder, toStackPlace } from "@stackyard/core/engine";
import { mayApprove, parseAttemptId } from "@stackyard/core/machine";
import { Type } from "typebox";
import type { Caller } from "../access/caller.ts";
import { HttpError } from "../http/problem.ts";
import { defineRoute, json, type Route } from "../http/route.ts";
import { toApprovals } from "../schemas/approval.ts";
import { ApprovalBody, ApproveBody, AttemptId, pageOf, pageQuery } from "../schemas/event.ts";
import { stackSortQuery } from "../schemas/stack-query.ts";
import { idOf, operate } from "./operation-routes.ts";
import type { RouteDeps } from "./route-deps.ts";
import { pageInput } from "./to-page.ts";

/** Defines the routes of open approvals and of people's answers. */
export function approvalRoutes(deps: RouteDeps): readonly Route[] {
  return [
    listRoute(deps),
    answerRoute(deps, {
      name: "approve",
      operationId: "approveTask",
      event: "APPROVE_TASK",
      summary: "Approve. With the last approval that is needed the task succeeds.",
      body: ApproveBody,
    }),
    answerRoute(deps, {
      name: "reject",
      operationId: "rejectTask",
      event: "REJECT_TASK",
      summary: "Reject: the task fails with APPROVAL_REJECTED.",
      body: ApprovalBody,
    }),
    answerRoute(deps, {
      name: "withdraw",
      operationId: "withdrawApproval",
      event: "WITHDRAW_APPROVAL",
      summary: "Take back your own approval.",
      body: ApprovalBody,
    }),
  ];
}

/** A stack may have a hundred approvals, so a page of stacks may contain many more approvals. */
const MOST_BYTES = 1_048_576;

function listRoute({ store }: RouteDeps): Route {
  return defineRoute("GET", "/v1/approvals", {
    operationId: "listApprovals",
    permission: "read",
    subject: "list",
    tag: "approvals",
    summary: "Open approvals, in order of their stacks: by id or by a time.",
    query: {
      mine: Type.Optional(Type.Boolean({ description: "True: only those that the caller may approve." })),
      ...stackSortQuery,
      ...pageQuery,
    },
    answers: {
      200: { description: "A page. All approvals of one stack are on one page.", schema: pageOf(ApprovalSchema) },
      422: { description: "FILTER_TOO_WIDE: more than 100,000 stacks would have to be sorted." },
    },
    async handle({ query: { mine = false, sort, ...query } }, { caller }) {
      const input = { ...pageInput(query), ...defined({ sort }) };
      const order = toStackOrder(input);
      const scopes = scopesOf(caller.rights, "read").map(toStackScope);
      const page = await store.queries.listStacks({ condition: "approval", scopes }, input);
      const items: Approval[] = [];
      let bytes = 0;
      for (const [index, { stack }] of page.items.entries()) {
        const found = toListed(stack, caller).filter((approval) => !mine || approval.mine);
        items.push(...found);
        bytes += JSON.stringify(found).length;
        const isFull = items.length >= input.limit || bytes >= MOST_BYTES;
        if (!isFull || index === page.items.length - 1) continue;
        return json(200, { ...page, items, cursor: order.toCursor(toStackPlace(order, stack)) });
      }
      return json(200, { ...page, items });
    },
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

interface ApprovalAnswer {
  readonly name: "approve" | "reject" | "withdraw";
  readonly operationId: string;
  readonly event: string;
  readonly summary: string;
  readonly body: typeof ApproveBody | typeof ApprovalBody;
}

function answerRoute(deps: RouteDeps, { name, event, ...spec }: ApprovalAnswer): Route {
  return defineRoute("POST", `/v1/approvals/:approvalId/${name}`, {
    permission: "approve",
    subject: "approval",
    tag: "approvals",
    ...spec,
    params: { approvalId: AttemptId },
    answers: {
      200: { description: "The operation was applied.", schema: OperationAnswer },
      202: { description: "Not decided yet.", schema: OperationAnswer },
      404: { description: "NOT_FOUND, STACK_UNKNOWN" },
      409: {
        description: "It was refused: NOT_ALLOWED, APPROVAL_CLOSED, APPROVAL_REPEATED or COMMENT_REQUIRED.",
      },
    },
    handle({ params: { approvalId }, body: given }, context) {
      const parts = parseAttemptId(approvalId);
      if (parts === undefined) throw new HttpError(404, "NOT_FOUND", `Approval "${approvalId}" not found.`);
      const { stackId, task } = parts;
      const { comment, of }: { readonly comment?: string; readonly of?: string } = given;
      const message = { event, task: { name: task }, dispatchId: approvalId, of, reason: comment };
      return operate(deps, { ...message, id: idOf(given, deps.ids), stackId }, context);
    },
  });
}
