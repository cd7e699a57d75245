import { execFile } from "node:child_process";
import { existsSync, readFileSync, renameSync } from "node:fs";
import { cp, mkdir, mkdtemp, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { formatCall, withInstallCheck } from "./installed-call.ts";
import { runCli } from "./testing/run-cli.ts";

/** Runs a program without a terminal, as a CI does, and without any registry. */
async function run(cwd: string, file: string, words: readonly string[]) {
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: cwd,
    npm_config_registry: "http://127.0.0.1:9/",
    npm_config_fetch_retries: "0",
  };
  return new Promise<{ code: unknown; stdout: string; stderr: string }>((done) => {
    execFile(file, words, { cwd, env }, (error, stdout, stderr) => done({ code: error?.code ?? 0, stdout, stderr }));
  });
}

async function aClone() {
  const root = await mkdtemp(join(tmpdir(), "moved-"));
  const cli = join(root, "clone/packages/cli");
  await mkdir(join(cli, "bin"), { recursive: true });
  const manifest = { name: "stackyard", version: "0.0.1", bin: "bin/stackyard.js" };
  await writeFile(join(cli, "package.json"), JSON.stringify(manifest));
  await writeFile(
    join(cli, "bin/stackyard.js"),
    "#!/usr/bin/env node\nconsole.log('ours', process.argv.slice(2).join());",
    {
      mode: 0o755,
    },
  );
  const project = join(root, "project");
  await mkdir(join(project, "node_modules/.bin"), { recursive: true });
  await symlink(cli, join(project, "node_modules/stackyard"));
  await symlink("../stackyard/bin/stackyard.js", join(project, "node_modules/.bin/stackyard"));
  const scripts = withInstallCheck({ dev: "stackyard dev --groups sales" }, ["stackyard", "@stackyard/sdk"], {
    kind: "clone",
    packages: join(root, "clone/packages"),
  });
  await writeFile(
    join(project, "package.json"),
    JSON.stringify({ name: "project", private: true, type: "module", scripts }),
  );
  return { root, project };
}

describe("what a new project prints and writes", () => {
  it("runs what is installed, with its options", async () => {
    const { project } = await aClone();

    const [program = "", ...words] = formatCall("stackyard dev --groups sales").split(" ");

    expect((await run(project, program, words)).stdout).toBe("ours dev,--groups,sales\n");
    expect((await run(project, "npm", ["run", "-s", "dev"])).stdout).toBe("ours dev,--groups,sales\n");
  });

  it("says what is missing after its clone was moved, in our words, and what installs it again", async () => {
    const { root, project } = await aClone();
    renameSync(join(root, "clone"), join(root, "elsewhere"));

    const { code, stderr } = await run(project, "npm", ["run", "-s", "dev"]);

    expect(code).toBe(3);
    expect(stderr).toBe(
      "error Stackyard is not installed in this project. Run: npm install. After a move of the clone, first, with its new folder as CLONE: npm install CLONE/packages/cli CLONE/packages/sdk\n",
    );
  });

  it("never fetches: npx refuses where nothing is installed", async () => {
    const { project } = await aClone();
    const alone = await mkdtemp(join(tmpdir(), "alone-"));
    await cp(join(project, "package.json"), join(alone, "package.json"));

    const { code } = await run(alone, "npx", formatCall("stackyard dev").split(" ").slice(1));

    expect(code).not.toBe(0);
    expect(existsSync(join(alone, ".npm/_npx"))).toBe(false);
  });

  it("is the same call in each template: a check before each script, and no plain npx", async () => {
    const cwd = await mkdtemp(join(tmpdir(), "init-"));

    const { stdout } = await runCli(["init", "--template", "sandbox"], { cwd });

    expect(stdout).toContain("  npm run dev\nand in another terminal:\n  npx --no stackyard send acme ORDERED");
    const { scripts } = JSON.parse(readFileSync(join(cwd, "package.json"), "utf8"));
    expect(Object.keys(scripts)).toEqual(["predev", "dev", "precheck", "check"]);
    expect((await run(cwd, "npm", ["run", "-s", "check"])).stderr).toMatch(/^error Stackyard is not installed in this/);
  });
});
