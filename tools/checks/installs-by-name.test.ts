import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findInstallsByName } from "./installs-by-name.ts";
import { repositoryRoot } from "./published-packages.ts";
import { listPaths } from "./read-repository.ts";

describe("an install by a name that is not ours is found:", () => {
  it.each([
    "npm install stackyard @stackyard/store-postgres",
    "npm install --save-dev stackyard",
    "Install it with `npm i @stackyard/hosts`.",
    "npm install pg @stackyard/sdk@0.1.0",
    "npm i -g stackyard@latest",
    "npm exec stackyard dev",
    "npm create stackyard",
    "yarn add stackyard",
    "pnpm dlx stackyard dev",
    "npx stackyard init previews --template previews",
    "npx -y stackyard@0.1.0 dev",
    "npx @stackyard/mcp",
    "    - run: npx stackyard send web-main DEPLOY --wait",
    "    - npx stackyard send web-main DEPLOY --wait",
    "npx stackyard dev",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a source.
    "`  npx ${dev}`,",
    "npx --no-install stackyard dev",
    "npx -- stackyard dev",
    '"command": "npx", "args": ["stackyard", "mcp"]',
  ])("%s", (text) => {
    expect(findInstallsByName(`first\n${text}\n`)).toEqual([{ line: 2, text: expect.any(String) }]);
  });

  it.each([
    "npm install ./stackyard-*/*.tgz",
    'npm install "$STACKYARD/packages/core" typebox',
    "npm install ../stackyard/packages/cli",
    "npm install, then the plugin @stackyard/hosts",
    "npm install\nnpx --no stackyard dev",
    "    - run: npx --no stackyard validate machines",
    "npx --no -- stackyard --version",
    '"command": "npx", "args": ["--no", "stackyard", "mcp"]',
    "npm install stackyard-plugin-tea",
    "| `npm install` | the package `@stackyard/hosts` |",
  ])("but not in: %s", (text) => {
    expect(findInstallsByName(text)).toEqual([]);
  });
});

/** What may name them: tests, and the instructions for publishing the packages. */
const ALLOWED =
  /\.test\.ts$|^\.changeset\/|(?:^|\/)CHANGELOG\.md$|^package-lock\.json$|^docs\/images\/|^docs\/development\.md$/;

it("no text of this repository installs our packages by name", () => {
  const found = listPaths(repositoryRoot)
    .filter((path) => !ALLOWED.test(path))
    .flatMap((path) =>
      findInstallsByName(readFileSync(join(repositoryRoot, path), "utf8")).map(
        ({ line, text }) => `${path}:${line}: ${text}`,
      ),
    );

  expect(found).toEqual([]);
});
