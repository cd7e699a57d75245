import { findSourceAliases } from "./tools/checks/source-aliases.ts";

/** Where Vite finds our packages: in their sources, so that their builds need no order. */
export const sourceAliases = findSourceAliases();
