import type { Permission } from "@stackyard/core/access";
import type { Page } from "@stackyard/core/engine";
import type { Caller } from "./caller.ts";
import { hasEverywhere } from "./guard.ts";

/** Leaves out rows that cannot be read unless the caller has the permission for everything: their owners are unknown. */
export function withKnownOwners<Item>(
  { rights }: Pick<Caller, "rights">,
  page: Page<Item>,
  permission: Permission,
): Page<Item> {
  const { unreadable, ...rest } = page;
  return unreadable === undefined || hasEverywhere(rights, permission) ? page : rest;
}
