import { defined } from "@stackyard/core";
import type { Approval } from "@stackyard/core/api";
import type { StoredStack } from "@stackyard/core/engine";
import { toInstant } from "./event.ts";

type Stack = StoredStack["stack"];
type KeptApproval = NonNullable<Stack["approvals"]>[string];

/** Converts a stack's open approvals to the API's format, in the order of its tasks. The stack must be printable. */
export function toApprovals(stack: Stack): readonly Approval[] {
  const { approvals = {} } = stack;
  return stack.tasks.flatMap(({ name }) => {
    const approval = Object.hasOwn(approvals, name) ? approvals[name] : undefined;
    return approval === undefined ? [] : [toApproval(stack, name, approval)];
  });
}

function toApproval({ id: stackId, machine, state }: Stack, task: string, approval: KeptApproval): Approval {
  const { id, from, count, own = false, comment = "optional", of, askedBy, askedAt, expiresAt, given } = approval;
  return {
    id,
    stackId,
    machine,
    state,
    task,
    from,
    count,
    own,
    comment,
    need: count - given.length,
    askedAt: toInstant(askedAt),
    expiresAt: toInstant(expiresAt),
    given: given.map(({ by, at, comment: why }) => ({
      by: toSender(by),
      at: toInstant(at),
      ...defined({ comment: why }),
    })),
    ...defined({ of, askedBy: askedBy && toSender(askedBy) }),
  };
}

function toSender({ kind, id, name }: NonNullable<KeptApproval["askedBy"]>): NonNullable<Approval["askedBy"]> {
  return { kind, id, name };
}
