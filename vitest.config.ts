import { defineConfig } from "vitest/config";
import { findSourceAliases } from "./tools/checks/source-aliases.ts";

// Tests see the sources of all packages, so a change needs no build; only e2e runs on what users get.
const alias = findSourceAliases();
const homes = "{packages,apps,tools,examples}";
// Unit and integration tests of all files share a process and its modules, whose import was half of their time. Each file
// leaves nothing behind: no mock, no variable of the environment, no open handle.
const isolate = false;
// What a test waits for comes at some time; how soon is not what it asserts.
const patient = { poll: { timeout: 20_000 } };
const neither = ["**/node_modules/**", "**/dist/**", "**/.stryker-tmp/**", "**/temp/**"];

export default defineConfig({
  test: {
    passWithNoTests: true,
    // Most of the time of integration and end-to-end tests is spent in other processes.
    maxWorkers: 3,
    projects: [
      {
        resolve: { alias },
        test: {
          name: "unit",
          isolate,
          include: [`${homes}/**/*.test.ts`],
          exclude: [...neither, "**/*.int.test.ts", "**/e2e/**"],
          // Properties over many drawn machines share two cores with everything else.
          testTimeout: 30_000,
          expect: patient,
        },
      },
      {
        resolve: { alias },
        test: {
          name: "int",
          isolate,
          include: [`${homes}/**/*.int.test.ts`],
          exclude: [...neither, "**/e2e/**"],
          testTimeout: 60_000,
          expect: patient,
          hookTimeout: 60_000,
        },
      },
      {
        resolve: { alias },
        test: {
          name: "types",
          include: [],
          exclude: neither,
          typecheck: {
            enabled: true,
            only: true,
            ignoreSourceErrors: true,
            include: [`${homes}/**/*.test-d.ts`],
            tsconfig: "./tsconfig.types.json",
          },
        },
      },
      {
        test: {
          name: "e2e",
          include: [`${homes}/**/e2e/**/*.test.ts`],
          exclude: neither,
          testTimeout: 120_000,
          expect: patient,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
