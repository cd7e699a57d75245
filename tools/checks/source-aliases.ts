import { join } from "node:path";
import { findPublishedPackages } from "./published-packages.ts";

/** Returns where tests find the packages: in their sources, so that a change needs no build. */
export function findSourceAliases(): { readonly find: RegExp; readonly replacement: string }[] {
  return findPublishedPackages().flatMap(({ folder, entries }) =>
    entries.map((entry) => ({ find: new RegExp(`^${entry.specifier}$`), replacement: join(folder, entry.source) })),
  );
}
