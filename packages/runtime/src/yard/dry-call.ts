import { findAwsFault } from "@stackyard/aws";
import { type Finding, fail, ok, warn } from "./finding.ts";

/** A call that does nothing, and tells by its answer whether it is allowed. */
export interface DryCall {
  /** As IAM names it, such as `dynamodb:GetItem`. */
  readonly action: string;
  readonly resource: string;
  /** What people do with it. */
  readonly purpose: string;
  call(): Promise<unknown>;
}

/** How a dry call ended. */
export interface DryOutcome {
  readonly dry: Pick<DryCall, "action" | "resource" | "purpose">;
  readonly kind: "allowed" | "denied" | "absent" | "unclear";
  readonly why: string;
}

/** Makes a dry call. Never throws. */
export async function tryDryCall(dry: DryCall): Promise<DryOutcome> {
  try {
    await dry.call();
    return { dry, kind: "allowed", why: "" };
  } catch (error) {
    return { dry, kind: toKind(error), why: error instanceof Error ? error.message : String(error) };
  }
}

/** A condition that never holds, and a batch of nothing, are refused after the permission was looked at. */
function toKind(error: unknown): DryOutcome["kind"] {
  const { code, name = "" } = findAwsFault(error);
  if (code === "FORBIDDEN") return "denied";
  if (code === "RECORD_CONFLICT" || /EmptyBatchRequest/.test(name)) return "allowed";
  // What is not there is told by another look.
  return code === "NOT_FOUND" || /NonExistentQueue|QueueDoesNotExist/.test(name) ? "absent" : "unclear";
}

/** What is to be said of the permissions of whoever looks. */
export function judgeDryCalls(outcomes: readonly DryOutcome[]): readonly Finding[] {
  const allowed = outcomes.filter(({ kind }) => kind === "allowed").map(({ dry }) => dry.action);
  const told = allowed.length === 0 ? [] : [ok("permissions", `Allowed: ${[...new Set(allowed)].sort().join(", ")}.`)];
  return [
    ...told,
    ...outcomes.flatMap(({ dry: { action, resource, purpose }, kind, why }) => {
      if (kind === "denied") {
        const message = `${action} on ${resource} is denied: ${purpose} will not work.`;
        return [fail("permissions", message, "Allow it to the role or user under `identity`.")];
      }
      if (kind !== "unclear") return [];
      return [warn("permissions", `Whether ${action} on ${resource} is allowed is not clear: ${why}`, "Try again.")];
    }),
  ];
}
