/** What a deployment can do with a stack in its present status. */
export type StatusVerdict =
  | { readonly kind: "create" }
  | { readonly kind: "update" }
  /** An empty shell of a creation that was rolled back: it goes first. */
  | { readonly kind: "replace" }
  | { readonly kind: "refused"; readonly reason: string };

const STUCK: Readonly<Record<string, string>> = {
  UPDATE_ROLLBACK_FAILED:
    "Its last update could not be undone. Go on with `aws cloudformation continue-update-rollback`, then deploy again.",
  ROLLBACK_FAILED:
    "Its creation could not be undone. Delete it in CloudFormation, see what it leaves, then deploy again.",
  CREATE_FAILED: "Its creation failed and was not undone. Delete it in CloudFormation, then deploy again.",
  DELETE_FAILED: "It could not be deleted. Finish that in CloudFormation, then deploy again.",
};

/** Source: user guide, "Stack status codes". No status: there is no such stack. */
export function judgeStatus(status: string | undefined): StatusVerdict {
  if (status === undefined || status === "REVIEW_IN_PROGRESS" || status === "DELETE_COMPLETE")
    return { kind: "create" };
  if (status === "ROLLBACK_COMPLETE") return { kind: "replace" };
  if (status.endsWith("_IN_PROGRESS")) {
    return {
      kind: "refused",
      reason: `Something else is at work on it (${status}). Wait for its end, then deploy again.`,
    };
  }
  const reason = STUCK[status];
  return reason === undefined ? { kind: "update" } : { kind: "refused", reason: `${status}. ${reason}` };
}
