import { defined } from "@stackyard/core";
import type { Approval, OperationAnswer } from "@stackyard/core/api";
import { type CallOptions, createEventId, type HttpClient, loadPage, type Page, postJson } from "./http-client.ts";
import type { ListStacksOptions } from "./stacks-api.ts";

/** Which approvals to list. */
interface ApprovalFilter extends ListStacksOptions {
  /** True for only those that the caller may approve. */
  readonly mine?: boolean;
}

/** What goes with an answer. */
interface AnswerOptions extends CallOptions {
  /** Recorded in the history. */
  readonly comment?: string;
  /** The event's id: the same one is applied once. Default: a new one. */
  readonly id?: string;
}

/** What goes with an approval. */
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
  const answer =
    (name: string) =>
    (approvalId: string, { comment, of, id = createEventId(), signal }: ApproveOptions = {}) =>
      postJson<OperationAnswer>(
        http,
        ["v1", "approvals", approvalId, name],
        { id, ...defined({ comment, of }) },
        { signal },
      );
  return {
    list: ({ mine, ...page } = {}) => {
      const query = { ...page, ...(mine && { mine: "true" }) };
      return loadPage(http, ["v1", "approvals"], query);
    },
    approve: answer("approve"),
    reject: answer("reject"),
    withdraw: answer("withdraw"),
  };
}
