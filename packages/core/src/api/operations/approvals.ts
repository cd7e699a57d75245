import { Type } from "typebox";
import { MAX_TASK_NAME } from "../../machine/limits.ts";
import { answer, defineOperation, page, refusal } from "./define-operation.ts";
import { AttemptId, EventId, pageQuery, Reason } from "./fields.ts";
import { stackSortQuery } from "./stacks.ts";

const of = {
  permission: "approve",
  subject: "approval",
  tag: "approvals",
  params: { approvalId: AttemptId },
  answers: {
    200: answer("OperationAnswer", "The operation was applied."),
    202: answer("OperationAnswer", "Not decided yet."),
    404: refusal("NOT_FOUND, STACK_UNKNOWN"),
    409: refusal("It was refused: NOT_ALLOWED, APPROVAL_CLOSED, APPROVAL_REPEATED or COMMENT_REQUIRED."),
  },
} as const;
const answered = { comment: Type.Optional(Reason), id: Type.Optional(EventId) };

export const listApprovals = defineOperation("GET", "/v1/approvals", {
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
    200: page("Approval", "A page. All approvals of one stack are on one page."),
    422: refusal("FILTER_TOO_WIDE: more than 100,000 stacks would have to be sorted."),
  },
});

export const approveTask = defineOperation("POST", "/v1/approvals/:approvalId/approve", {
  operationId: "approveTask",
  ...of,
  summary: "Approve. With the last approval that is needed the task succeeds.",
  body: Type.Object({
    of: Type.Optional(
      Type.String({
        maxLength: MAX_TASK_NAME,
        description: "What is approved; needed where the approval has such a text.",
      }),
    ),
    ...answered,
  }),
});

export const rejectTask = defineOperation("POST", "/v1/approvals/:approvalId/reject", {
  operationId: "rejectTask",
  ...of,
  summary: "Reject: the task fails with APPROVAL_REJECTED.",
  body: Type.Object(answered),
});

export const withdrawApproval = defineOperation("POST", "/v1/approvals/:approvalId/withdraw", {
  operationId: "withdrawApproval",
  ...of,
  summary: "Take back your own approval.",
  body: Type.Object(answered),
});
