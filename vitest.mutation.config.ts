import { defineConfig } from "vitest/config";

// Only the pure part: thousands of mutants are worth it where a wrong decision is silent.
export default defineConfig({
  test: { include: ["packages/core/src/machine/**/*.test.ts"] },
});
