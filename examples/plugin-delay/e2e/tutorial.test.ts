import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { readTutorialFiles } from "../tutorial-files.ts";

const repository = join(import.meta.dirname, "../../..");
const folder = join(import.meta.dirname, "../temp/reader");
// npm links a program only when its file is there, which in a fresh clone comes after the installation.
const stackyard = join(repository, "packages/cli/dist/bin.js");

/** What a reader has who wrote every file of docs/plugins.md into an empty folder. */
beforeAll(() => {
  rmSync(folder, { recursive: true, force: true });
  for (const { path, content } of readTutorialFiles()) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
});

function run(program: string, ...args: readonly string[]): string {
  const path = `${join(repository, "node_modules/.bin")}:${process.env["PATH"]}`;
  return execFileSync(program, args, { cwd: folder, encoding: "utf8", env: { ...process.env, PATH: path } });
}

describe("a reader of docs/plugins.md", () => {
  it("builds the plugin, and Node loads what was built", () => {
    run("tsc");

    const code = 'const m = await import("./dist/index.js"); console.log(m.default.kind, m.default.name)';
    expect(run("node", "--input-type=module", "-e", code)).toBe("stackyard-plugin delay\n");
  });

  it("runs its tests", () => {
    expect(run("vitest", "run", "--root", ".")).toContain("10 passed");
  });

  it("validates the machine", () => {
    expect(run("node", stackyard, "validate", "machines")).toContain("tea.yml");
  });
  it("starts the yard, and sends an event that ends when the tea is ready", async () => {
    // Three minutes on the page.
    const machine = join(folder, "machines/tea.yml");
    writeFileSync(machine, readFileSync(machine, "utf8").replace("seconds: 180", "seconds: 1"));
    const yard = spawn(process.execPath, [stackyard, "dev", "--port", "0", "--json"], { cwd: folder });
    const ended = once(yard, "exit");
    try {
      await Promise.race([once(yard.stdout, "data"), ended]);

      const sent = run("node", stackyard, "send", "cup-1", "BREW", "--machine", "tea", "--until", "READY");

      expect(sent).toContain("cup-1 is in READY");
    } finally {
      yard.kill("SIGTERM");
      await ended;
    }
  });
});
