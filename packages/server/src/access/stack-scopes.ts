import { isUnlimited, type Permission, scopesOf } from "@stackyard/core/access";
import type { StackFilter } from "@stackyard/core/engine";
import type { Caller } from "./caller.ts";

/**
 * Returns the part of the yard in which a caller has a permission, for lists of stacks and attempts; of one machine, where it
 * is more than `read`. Empty: all.
 */
export function toScopeFilter(
  { rights }: Pick<Caller, "rights">,
  permission: Permission,
  machine = "",
): Pick<StackFilter, "scopes"> {
  const reaching = rights.filter(({ except }) => permission === "read" || except?.has(machine) !== true);
  const scopes = scopesOf(reaching, permission);
  if (scopes.some(isUnlimited)) return {};
  return {
    scopes: scopes.map(({ machines, stacks }) => ({
      ...(machines && { machines }),
      ...(stacks && { idPrefixes: stacks }),
    })),
  };
}

/**
 * Returns a text that two callers have in common exactly where they may read the same: for answers that are computed once
 * for all of them.
 */
export function toReadKey({ rights }: Pick<Caller, "rights">): string {
  const sorted = (names: readonly string[] | undefined) => names && [...new Set(names)].toSorted();
  const scopes = scopesOf(rights, "read").map(({ machines, stacks }) => {
    return JSON.stringify([sorted(machines) ?? null, sorted(stacks) ?? null]);
  });
  return [...new Set(scopes)].toSorted().join(" ");
}
