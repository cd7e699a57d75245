import { type Permission, scopesOf } from "@stackyard/core/access";
import type { StackFilter } from "@stackyard/core/engine";
import type { Caller } from "./caller.ts";

/** Returns the part of the yard in which a caller has a permission, for lists of stacks and attempts. Empty: all. */
export function toScopeFilter({ rights }: Pick<Caller, "rights">, permission: Permission): Pick<StackFilter, "scopes"> {
  const scopes = scopesOf(rights, permission);
  if (scopes.some(({ machines, stacks }) => machines === undefined && stacks === undefined)) return {};
  return {
    scopes: scopes.map(({ machines, stacks }) => ({
      ...(machines && { machines }),
      ...(stacks && { idPrefixes: stacks }),
    })),
  };
}
