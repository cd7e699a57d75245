import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { findFreePort } from "@stackyard/oidc-issuer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { packageNpm } from "../src/package-npm.ts";
import { installRareTools } from "../src/testing/rare-tools.ts";

// Rehearses the job that publishes to npm: its script, unchanged, against a registry on this machine. Provenance is left out,
// because only a workflow of GitHub can have it.

const root = join(import.meta.dirname, "../../..");
const { version } = JSON.parse(readFileSync(join(root, "packages/cli/package.json"), "utf8"));
const temp = mkdtempSync(join(tmpdir(), "stackyard-publish-"));
const workflow = parse(readFileSync(join(root, ".github/workflows/release.yml"), "utf8"));
const steps: readonly { readonly run?: string; readonly env?: Readonly<Record<string, string>> }[] =
  workflow.jobs.npm.steps;
const publishStep = steps.find(({ run }) => run?.includes("npm publish"));

let registry: ChildProcess | undefined;
let url = "";
let names: readonly string[] = [];

async function startRegistry(): Promise<void> {
  const modules = installRareTools();
  const port = await findFreePort();
  url = `http://127.0.0.1:${port}/`;
  const upstream = execFileSync("npm", ["config", "get", "registry"], { cwd: root, encoding: "utf8" }).trim();
  const ours = { access: "$all", publish: "$all" };
  const config = {
    storage: join(temp, "storage"),
    auth: { htpasswd: { file: join(temp, "htpasswd") } },
    // Soon asked again, so that a retry sees a version that the upstream had not listed yet.
    uplinks: { upstream: { url: upstream, timeout: "60s", maxage: "5s" } },
    packages: { "@stackyard/*": ours, stackyard: ours, "**": { access: "$all", proxy: "upstream" } },
    log: { type: "stdout", format: "pretty", level: "error" },
  };
  writeFileSync(join(temp, "verdaccio.json"), JSON.stringify(config));
  writeFileSync(
    join(temp, "npmrc"),
    `registry=${url}\n//127.0.0.1:${port}/:_authToken=rehearsal\nfund=false\naudit=false\n`,
  );
  const words = [
    join(modules, "verdaccio/bin/verdaccio"),
    "-c",
    join(temp, "verdaccio.json"),
    "-l",
    `127.0.0.1:${port}`,
  ];
  registry = spawn(process.execPath, words, { cwd: temp, stdio: "ignore" });
  const isUp = () =>
    fetch(`${url}-/ping`).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await isUp())) {
    if (registry.exitCode !== null) throw new Error("The registry ended.");
    await setTimeout(100);
  }
}

/** What the artifact of the job that builds contains. */
async function makeRelease(): Promise<void> {
  const { files, archive } = await packageNpm(root, version);
  const name = `stackyard-${version}.tar.gz`;
  mkdirSync(join(temp, "job/release"), { recursive: true });
  writeFileSync(join(temp, "job/release", name), archive);
  const sum = createHash("sha256").update(archive).digest("hex");
  writeFileSync(join(temp, "job/release/SHA256SUMS"), `${sum}  ${name}\n`);
  const tarballs = [...files.keys()].filter((path) => path.endsWith(".tgz"));
  names = tarballs.map((path) => path.replace(/^extra\//, "").replace(`-${version}.tgz`, ""));
}

const call = promisify(execFile);
const environment = () => ({
  PATH: process.env["PATH"],
  HOME: temp,
  GITHUB_REF_NAME: `v${version}`,
  NPM_CONFIG_USERCONFIG: join(temp, "npmrc"),
  NPM_CONFIG_UPDATE_NOTIFIER: "false",
  // Lists of versions that are kept may lack what the newest ones of others need.
  NPM_CONFIG_PREFER_ONLINE: "true",
});

/** Runs the step as a runner of GitHub calls it. */
async function publish(changes: Readonly<Record<string, string>> = {}): Promise<string> {
  const env = { ...environment(), ...publishStep?.env, NPM_CONFIG_PROVENANCE: "false", ...changes };
  const words = ["--noprofile", "--norc", "-eo", "pipefail", "-c", publishStep?.run ?? "false"];
  return (await call("bash", words, { cwd: join(temp, "job"), env })).stdout;
}

beforeAll(async () => {
  await Promise.all([startRegistry(), makeRelease()]);
}, 300_000);
afterAll(async () => {
  registry?.kill();
  await setTimeout(100);
  rmSync(temp, { recursive: true, force: true });
});

describe("the job that publishes to npm", () => {
  it("requests provenance", () => {
    expect(publishStep?.env).toEqual({ NPM_CONFIG_PROVENANCE: "true" });
  });

  it("publishes nothing when npm would refuse some, because they do not name this repository [MDsveX#819]", async () => {
    const github = { GITHUB_SERVER_URL: "https://github.com", GITHUB_REPOSITORY: "acme/stackyard" };

    await expect(publish({ ...github, NPM_CONFIG_PROVENANCE: "true" })).rejects.toMatchObject({
      stdout: expect.stringMatching(/^::error::The repository\.url of \S+ is "", not that of acme\/stackyard\.$/m),
    });

    expect((await fetch(`${url}@stackyard%2fcore`)).status).toBe(404);
  });

  it("publishes every package, the command line last", async () => {
    const published = [...(await publish()).matchAll(/^\+ (\S+)$/gm)].map(([, name]) => name);

    const expected = names.map((name) => `${name.replace(/^stackyard-/, "@stackyard/")}@${version}`);
    expect([...published].sort()).toEqual(expected.sort());
    expect(published.at(-1)).toBe(`stackyard@${version}`);
  }, 300_000);

  it("publishes nothing again, so a job that was cut off is run again", async () => {
    const output = await publish();

    expect(output).not.toMatch(/^\+/m);
    expect(output.match(/ is there\.$/gm)).toHaveLength(names.length);
  }, 300_000);

  it("makes `npx stackyard@VERSION init` create a project that installs by version", async () => {
    const env = environment();
    const created = await call("npx", ["--yes", `stackyard@${version}`, "init", "review-app"], { cwd: temp, env });
    const project = join(temp, "review-app");

    expect(created.stdout).toMatch(/^ {2}npm install$/m);
    expect(JSON.parse(readFileSync(join(project, "package.json"), "utf8")).dependencies).toEqual({
      "@stackyard/sdk": version,
      stackyard: version,
    });
    await call("npm", ["install"], { cwd: project, env });
    const checked = await call("npm", ["run", "check"], { cwd: project, env });
    expect(checked.stdout).toContain("ok   machines/review-app.yaml");
  }, 300_000);
});
