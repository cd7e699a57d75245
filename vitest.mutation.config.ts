import { dirname, join } from "node:path";
import { defineConfig } from "vitest/config";
import { findSourceAliases } from "./tools/checks/source-aliases.ts";

// Of core, the edits use only how YAML is read. Each mutant loads all modules again, and those of core take the longest.
const onlyYaml = {
  name: "only-yaml",
  enforce: "pre",
  resolveId: (id: string, importer = "") =>
    id.endsWith("/core/src/machine/index.ts") && importer.includes("/machine/edits/")
      ? join(dirname(id), "document/read-yaml.ts")
      : undefined,
} as const;

// Only the pure part: thousands of mutants are worth it where a wrong decision is silent. Property tests run the same
// code hundreds of times, which is too slow to repeat for each mutant.
export default defineConfig({
  plugins: [onlyYaml],
  resolve: { alias: findSourceAliases() },
  test: {
    include: [
      "packages/core/src/machine/**/*.test.ts",
      "packages/consumer/src/*.test.ts",
      "packages/console/src/machine/edits/*.test.ts",
    ],
    exclude: ["**/*.property.test.ts", "**/node_modules/**"],
    // The modules under test keep no state, and a fresh world for each mutant takes longer than its tests.
    isolate: false,
  },
});
