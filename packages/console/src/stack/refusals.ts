import type { StackDetails } from "@stackyard/sdk";
import { type Permission, useRefusal } from "../api/access.ts";
import type { StackSource } from "./source.ts";

/** Returns why a person cannot do something to this stack now: it is in a file, or a permission is missing. */
export function useOperateRefusal(
  source: StackSource,
  stack: Pick<StackDetails, "id" | "machine">,
  permission: Permission,
): string | undefined {
  const refusal = useRefusal(permission, { machine: stack.machine, stackId: stack.id });
  return source.refusal ?? refusal;
}
