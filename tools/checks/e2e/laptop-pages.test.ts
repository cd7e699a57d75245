import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { repositoryRoot } from "../published-packages.ts";
import { findShellBlocks, type ShellBlock } from "../shell-blocks.ts";
import { createProject, hasPrograms, type PlayedProject } from "../testing/played-project.ts";

// Plays the blocks marked `sh play` of pages that need a yard with one environment: all of them in one yard of a template.

/** What a page leaves to its reader. */
const VALUES: Readonly<Record<string, string>> = {
  "<id>": "$(stackyard tokens ls --json | head -n 1 | jq -r .id)",
  "9f2c…": "$(tail -n 1 audit.ndjson | tr -d '\\n' | sha256sum | cut -d' ' -f1)",
  // Nobody has approved yet.
  "shop-1.1.0 production": "shop-1.0.0 staging",
  "shop-1.1.0": "shop-1.0.0",
};

/** What a block must print, by the words with which it begins. */
const PRINTED: Readonly<Record<string, RegExp>> = {
  "stackyard whoami": /admin/i,
  "stackyard tokens create ci": /sy[tsw]_[0-9A-Za-z]{49}/,
  "stackyard tokens ls": /ci[\s\S]*sy[tsw]_/,
  "sed -n 1p": /^([0-9a-f]{64}) {2}-\n\1\n$/,
  "stackyard ps": /DOES/,
  "token=$(cat": /"terraform_version"/,
  "stackyard doctor": /pr-12[\s\S]*LIVE/,
  "stackyard init --list": /previews/,
  "curl -H": /"id":"pr-12"/,
  "npx --no stackyard send pr-12 OPENED": /LIVE/,
  "stackyard board": /1\.0\.0/,
};

function listPlayed(page: string): readonly ShellBlock[] {
  const blocks = findShellBlocks(page, readFileSync(join(repositoryRoot, page), "utf8"));
  return blocks.filter(({ note }) => note === "play");
}

function fillIn(text: string): string {
  return Object.entries(VALUES).reduce((filled, [shown, value]) => filled.replaceAll(shown, value), text);
}

async function play(project: PlayedProject, { text }: ShellBlock): Promise<void> {
  const printed = await project.run(fillIn(text));

  const [, expected = /(?:)/] = Object.entries(PRINTED).find(([start]) => text.trimStart().startsWith(start)) ?? [];
  expect(printed).toMatch(expected);
}

const PAGES = [
  "packages/cli/README.md",
  "docs/access.md",
  "docs/assistant.md",
  "docs/audit.md",
  "docs/state-backend.md",
  "docs/troubleshooting.md",
  "docs/templates.md",
  "packages/server/README.md",
  "docs/operations.md",
];

describe.runIf(hasPrograms("terraform", "jq", "curl"))("pages about a yard (skipped without their programs)", () => {
  const project = createProject("review-app");
  beforeAll(() => project.startYard(), 120_000);
  afterAll(project.remove);

  it.each(PAGES)("%s works as written", { timeout: 240_000 }, async (page) => {
    const blocks = listPlayed(page);
    expect(blocks.length).toBeGreaterThan(0);
    for (const block of blocks) {
      // A backup is restored into a yard that is stopped.
      const [backup, restore] = block.text.includes("stackyard restore") ? block.text.trim().split("\n") : [block.text];
      await play(project, { ...block, text: backup ?? "" });
      if (restore === undefined) continue;
      await project.stopYard();
      await project.run(restore);
      await project.startYard();
      expect(await project.run("stackyard stacks ls")).toContain("pr-12");
    }
    // The page of the command line ends with the removal of the environment that the others need.
    if (page === PAGES[0]) {
      await project.run("stackyard send pr-12 OPENED --machine review-app --metadata sha=9f1c --until LIVE");
    }
  });
});

describe.runIf(hasPrograms("terraform"))("docs/promotion.md (skipped without Terraform)", () => {
  const project = createProject("promotion");
  afterAll(project.remove);

  it("works as written", { timeout: 240_000 }, async () => {
    await project.startYard(["--groups", "release-managers"]);
    for (const block of listPlayed("docs/promotion.md")) await play(project, block);
    expect(await project.run("stackyard stacks ls")).toContain("REVIEW");
  });
});
