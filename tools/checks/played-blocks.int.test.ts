import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { PLAYED_BLOCKS } from "./played-blocks.ts";
import { repositoryRoot } from "./published-packages.ts";
import { findBlockFaults, findShellBlocks } from "./shell-blocks.ts";

const read = (path: string) => readFileSync(join(repositoryRoot, path), "utf8");
const readTest = (path: string) => (existsSync(join(repositoryRoot, path)) ? read(path) : undefined);
const pages = globSync(["*.md", "docs/*.md", "{packages,apps,examples}/*/README.md"], { cwd: repositoryRoot });

it("every shell block of a page is played by a test, or the table says why not (NLnetLabs/routinator#141)", () => {
  const found = pages.map((page) => [page, findShellBlocks(page, read(page))] as const);
  const listed = Object.keys(PLAYED_BLOCKS).filter((page) => !pages.includes(page));

  const faults = found.flatMap(([page, blocks]) => findBlockFaults(page, blocks, PLAYED_BLOCKS[page] ?? [], readTest));

  expect([...faults, ...listed]).toEqual([]);
});

it("blocks that are marked to be played have a test", () => {
  const marked = pages.flatMap((page) =>
    findShellBlocks(page, read(page)).filter(({ note }) => /^(play|run)/.test(note)),
  );
  const ruleOf = ({ page, text }: (typeof marked)[number]) =>
    PLAYED_BLOCKS[page]?.find(({ has = "" }) => text.includes(has));

  expect(marked.length).toBeGreaterThan(50);
  expect(marked.filter((block) => ruleOf(block)?.by === undefined)).toEqual([]);
});
