import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it, vi } from "vitest";
import { createProject, hasPrograms, readPage } from "../testing/played-project.ts";

// Plays docs/leaving.md with two environments of the template, one of which has an id that no path may contain. What the page leaves
// is a state in another backend, whose plan has no changes.

/** Played where there is something to remove: tools/package/e2e/one-file.test.ts, tools/package/e2e/team-page.test.ts. */
const REMOVALS = /^(npm uninstall|systemctl disable) /;

describe.runIf(hasPrograms("terraform", "jq", "curl"))("docs/leaving.md (skipped without its programs)", () => {
  const project = createProject("review-app");
  afterAll(project.remove);

  it("ends with the states in another backend, planned without changes, and with all environments alive", {
    timeout: 240_000,
  }, async () => {
    await project.startYard();
    for (const id of ["pr-12", "team/pr 7%"]) {
      await project.run(`stackyard send '${id}' OPENED --machine review-app`);
      await project.run(`stackyard send '${id}' PUSHED --metadata sha=abc1234`);
    }
    const isLive = async () => {
      const stacks = await project.run("stackyard stacks ls --json");
      return stacks.match(/"state":"LIVE"/g)?.length === 2 && stacks.match(/"sha":"abc1234"/g)?.length === 2;
    };
    await vi.waitUntil(isLive, { timeout: 120_000, interval: 500 });
    const snippets = readPage("docs/leaving.md");
    const all = snippets.filter(({ language }) => language === "sh");
    const pieces = all.filter(({ text }) => !REMOVALS.test(text));

    const printed = await project.run(pieces.map(({ text }) => text).join("\n"));

    expect(all.filter(({ note }) => note !== "play")).toEqual([]);
    expect(all.length - pieces.length).toBe(2);
    const listed = snippets.find(({ text }) => text.startsWith("review-app%2F"))?.text.trimEnd() ?? "nothing";
    expect(printed).toContain(listed);
    expect(printed).toContain("review-app%2Fteam%252Fpr%20");
    expect(printed).toContain("No changes.");
    expect(await project.run("stackyard stacks ls --json")).toBe("");
    for (const file of ["app.txt", "network.txt"])
      expect(existsSync(join(project.folder, "environments/pr-12", file))).toBe(true);
    await project.stopYard();
    rmSync(join(project.folder, ".stackyard"), { recursive: true });
    const plan = pieces.at(-1)?.text ?? "";
    expect(await project.run(`cd taken/app\n${plan}`)).toContain("No changes.");
  });
});
