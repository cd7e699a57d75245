import { defined } from "@stackyard/core";
import type { Approval, OperationAnswer } from "@stackyard/core/api";
import type * as op from "@stackyard/core/api/operations";
import { call, callPage } from "./call.ts";
import { type CallOptions, createEventId, type HttpClient, type Page } from "./http-client.ts";
import type { ListStacksOptions } from "./stacks-api.ts";

/** Which approvals to list. */
interface ApprovalFilter extends ListStacksOptions {
  /** True for only those that the caller may approve. */
  readonly mine?: boolean;
}

/** The options of an answer. */
interface AnswerOptions extends CallOptions {
  /** Recorded in the history. */
  readonly comment?: string;
  /** The event's id: the same one is applied once. Default: a new one. */
  readonly id?: string;
}

/** The options of an approval. */
interface ApproveOptions extends AnswerOptions {
  /** The value to approve; must equal the approval's own `of` if it has one. */
  readonly of?: string;
}

/** Open approvals. Refusals have the codes `NOT_ALLOWED`, `APPROVAL_CLOSED`, `APPROVAL_REPEATED` and `COMMENT_REQUIRED`. */
export interface ApprovalsApi {
  /** Returns approvals in the order of their stacks; all approvals of one stack are on one page. */
  list(options?: ApprovalFilter): Promise<Page<Approval>>;
  approve(approvalId: string, options?: ApproveOptions): Promise<OperationAnswer>;
  /** Rejects an approval: the task fails with `APPROVAL_REJECTED`. */
  reject(approvalId: string, options?: AnswerOptions): Promise<OperationAnswer>;
  /** Withdraws the caller's own approval. */
  withdraw(approvalId: string, options?: AnswerOptions): Promise<OperationAnswer>;
}

/** Creates the part of the client for approvals. */
export function createApprovalsApi(http: HttpClient): ApprovalsApi {
  const toGiven = (approvalId: string, { comment, id = createEventId() }: AnswerOptions) => ({
    params: { approvalId },
    body: { id, ...defined({ comment }) },
  });
  return {
    list: ({ mine, ...page } = {}) => {
      const query = mine ? { mine: "true" } : {};
      return callPage<typeof op.listApprovals>(http, "GET /v1/approvals", { query }, page);
    },
    approve(approvalId, { of, ...options } = {}) {
      const { params, body } = toGiven(approvalId, options);
      const given = { params, body: { ...body, ...defined({ of }) } };
      return call<typeof op.approveTask>(http, "POST /v1/approvals/:approvalId/approve", given, {
        signal: options.signal,
      });
    },
    reject(approvalId, options = {}) {
      const given = toGiven(approvalId, options);
      return call<typeof op.rejectTask>(http, "POST /v1/approvals/:approvalId/reject", given, {
        signal: options.signal,
      });
    },
    withdraw(approvalId, options = {}) {
      const given = toGiven(approvalId, options);
      const wire = "POST /v1/approvals/:approvalId/withdraw";
      return call<typeof op.withdrawApproval>(http, wire, given, { signal: options.signal });
    },
  };
}
