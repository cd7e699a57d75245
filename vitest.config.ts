import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";
import consoleManifest from "./packages/console/package.json" with { type: "json" };
import { findBrowser, toLaunchOptions } from "./tools/browser/src/index.ts";
import { createPatientTests } from "./tools/checks/patient-tests.ts";
import { SlowFirst } from "./tools/checks/slow-first.ts";
import { findSlowness, SLOWNESS } from "./tools/checks/slowness.ts";
import { findSourceAliases } from "./tools/checks/source-aliases.ts";
import { REASONS } from "./tools/checks/tiers.ts";

// Tests see the sources of all packages, so a change needs no build; only e2e runs on what users get.
const alias = findSourceAliases();
const homes = "{packages,apps,tools,examples}";
// Tests of all files, but those in a browser, share a process and its modules, whose import was half of their time. Each file
// leaves nothing behind: no mock, no variable of the environment, no open handle.
const isolate = false;
// Limits end what hangs. On a busy or slow machine the same test takes longer, so they grow with it: these, and by the plugin those
// that single tests name.
const slowness = findSlowness();
process.env[SLOWNESS] = String(slowness);
const plugins = [createPatientTests()];
const within = (ms: number) => Math.ceil(ms * slowness);
// What a test waits for comes at some time; how soon is not what it asserts.
const patient = { poll: { timeout: within(20_000) } };
// A browser on a busy machine can miss an event that no person would: such a test runs once more, and the run lists it
// (tools/checks/failures.ts).
const retry = 1;
// Without a browser, the set-up of the browser project fails and explains how to get one; the other projects still run.
const found = findBrowser();
const browserOptions = found && { launchOptions: toLaunchOptions(found) };
const setupFiles = "./tools/checks/seed-properties.ts";
// One project after another: a browser and many processes at once make each other slow, and tests reach their limits.
const groups = ["unit", "types", "int", "browser", "e2e"];
const neither = ["**/node_modules/**", "**/dist/**", "**/.stryker-tmp/**", "**/temp/**"];

export default defineConfig({
  test: {
    passWithNoTests: true,
    // Integration and end-to-end tests often wait, for other processes or for time.
    maxWorkers: 3,
    sequence: { sequencer: SlowFirst },
    // Which tests `npm test` runs of those that are not unit tests.
    tags: Object.entries(REASONS).map(([name, description]) => ({ name, description })),
    projects: [
      {
        plugins,
        resolve: { alias },
        test: {
          name: "unit",
          isolate,
          // They only compute: with more processes than cores, each compiles the same modules for a part of the files.
          maxWorkers: 2,
          sequence: { groupOrder: groups.indexOf("unit") },
          setupFiles,
          include: [`${homes}/**/*.test.ts`],
          exclude: [...neither, "**/*.int.test.ts", "**/e2e/**"],
          // Properties over many drawn machines share two cores with everything else.
          testTimeout: within(30_000),
          expect: patient,
        },
      },
      {
        plugins,
        resolve: { alias },
        test: {
          name: "int",
          isolate,
          sequence: { groupOrder: groups.indexOf("int") },
          setupFiles,
          include: [`${homes}/**/*.int.test.ts`],
          exclude: [...neither, "**/e2e/**"],
          testTimeout: within(120_000),
          expect: patient,
          hookTimeout: within(120_000),
        },
      },
      {
        resolve: { alias },
        optimizeDeps: { include: findConsoleModules() },
        test: {
          name: "browser",
          retry,
          sequence: { groupOrder: groups.indexOf("browser") },
          include: ["packages/console/src/**/*.browser.test.tsx"],
          exclude: neither,
          globalSetup: "./tools/browser/src/global-setup.ts",
          setupFiles: "./packages/console/src/testing/check-accessibility.ts",
          env: { LONG_TESTS: process.env["LONG_TESTS"] ?? "", QUICK_TESTS: process.env["QUICK_TESTS"] ?? "" },
          browser: {
            enabled: true,
            headless: true,
            provider: playwright(browserOptions),
            instances: [{ browser: "chromium" }],
            // The first page waits until the modules of the console are bundled, which a busy machine takes long for.
            connectTimeout: within(300_000),
            screenshotFailures: false,
          },
          testTimeout: within(60_000),
          expect: patient,
          hookTimeout: within(60_000),
        },
      },
      {
        resolve: { alias },
        test: {
          name: "types",
          sequence: { groupOrder: groups.indexOf("types") },
          include: [],
          exclude: neither,
          typecheck: {
            enabled: true,
            only: true,
            ignoreSourceErrors: true,
            // The default is the older compiler, which takes longer.
            checker: "node_modules/typescript-7/bin/tsc",
            include: [`${homes}/**/*.test-d.ts`],
            tsconfig: "./tsconfig.types.json",
          },
        },
      },
      {
        plugins,
        test: {
          name: "e2e",
          // Some wait half a minute for the lease of a killed process.
          maxWorkers: 4,
          isolate,
          retry,
          sequence: { groupOrder: groups.indexOf("e2e") },
          setupFiles,
          include: [`${homes}/**/e2e/**/*.test.ts`],
          exclude: neither,
          testTimeout: within(120_000),
          expect: patient,
          hookTimeout: within(120_000),
        },
      },
    ],
  },
});

/** What the console imports. Vite would find it while tests run, and then reload their page or load React twice. */
function findConsoleModules(): string[] {
  const names = Object.keys(consoleManifest.devDependencies);
  const modules = names.filter((name) => !/^@(types|stackyard)\//.test(name));
  // What core imports reaches the browser through the worker of machines.
  const ofTypebox = ["typebox", "typebox/compile", "typebox/system", "typebox/value"];
  const ofCore = [
    "@marcbachmann/cel-js/evaluator",
    "croner",
    "@noble/hashes/sha2.js",
    "@noble/hashes/utils.js",
    "re2js",
  ];
  return [...modules, ...ofCore, ...ofTypebox, "react/jsx-dev-runtime", "react-dom/client"];
}
