import type { Plugin } from "@stackyard/core";

/** True for what `definePlugin` gives, of any copy of the core package. */
export function isPlugin(value: unknown): value is Plugin {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "stackyard-plugin";
}
