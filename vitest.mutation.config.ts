import { defineConfig } from "vitest/config";

// Only the pure part: thousands of mutants are worth it where a wrong decision is silent. Property tests run the same
// code hundreds of times, which is too slow to repeat for each mutant.
export default defineConfig({
  test: {
    include: ["packages/core/src/machine/**/*.test.ts"],
    exclude: ["**/*.property.test.ts", "**/node_modules/**"],
  },
});
