import type { StackyardConfig } from "./stackyard-config.ts";

/** Checks the type of a configuration, and returns it unchanged. `docs/configuration.md` describes its keys. */
export function defineConfig(config: StackyardConfig): StackyardConfig {
  return config;
}
