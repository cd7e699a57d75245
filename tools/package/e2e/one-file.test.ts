import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { MOST_INSTALLED, measureFolder } from "../src/testing/measure-folder.ts";

// What a team does on a machine that reaches no registry: copies a file, installs it, and starts a yard. Nothing is in npm's cache.

const root = join(import.meta.dirname, "../../..");
const temp = mkdtempSync(join(tmpdir(), "stackyard-one-file-"));
const out = join(temp, "out");
const project = join(temp, "project");
/** Has no package, and keeps what npm asks it for. */
const asked: string[] = [];
const registry = createServer((request, response) => {
  asked.push(request.url ?? "");
  response.writeHead(404).end();
});
registry.listen(0, "127.0.0.1");
await once(registry, "listening");

const call = promisify(execFile);
const { STACKYARD_URL, STACKYARD_TOKEN, NODE_COMPILE_CACHE, NODE_DISABLE_COMPILE_CACHE, ...inherited } = process.env;
const env = {
  ...inherited,
  npm_config_registry: `http://127.0.0.1:${Object(registry.address()).port}`,
  HOME: join(temp, "home"),
  XDG_CACHE_HOME: "",
  XDG_CONFIG_HOME: "",
  npm_config_cache: join(temp, "cache"),
  npm_config_audit: "false",
  npm_config_update_notifier: "false",
};
const enter = async (line: string, cwd = project) =>
  (await call("bash", ["-euo", "pipefail", "-c", line], { cwd, env })).stdout;
const fileOf = (pattern: string) => join(out, globSync(pattern, { cwd: out })[0] ?? pattern);

let yard: ChildProcess | undefined;
beforeAll(async () => {
  execFileSync(process.execPath, [join(root, "tools/package/src/main.ts"), "--npm", "--out", out], { stdio: "pipe" });
  for (const folder of [project, env.HOME]) mkdirSync(folder);
  writeFileSync(join(project, "package.json"), '{ "private": true, "type": "module" }');
  await enter(`npm install --offline ${fileOf("stackyard-[0-9]*.tgz")} ${fileOf("stackyard-sdk-*.tgz")}`);
}, 600_000);
afterAll(() => {
  yard?.kill("SIGKILL");
  registry.close();
  rmSync(temp, { recursive: true, force: true, maxRetries: 5 });
});

/** Starts the yard of the project, and returns its address. */
async function startYard(): Promise<string> {
  yard?.kill("SIGKILL");
  let output = "";
  const started = spawn(join(project, "node_modules/.bin/stackyard"), ["dev", "--port", "0", "--json"], {
    cwd: project,
    env,
  });
  yard = started;
  started.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  await vi.waitUntil(() => output.includes("\n") || started.exitCode !== null, { timeout: 120_000 });
  return JSON.parse(output.split("\n")[0] ?? "").url;
}

describe("Stackyard as one file, without a registry [npm/npm#18339, npm/cli#7781, npm/npm#20008]", () => {
  it("is installed, runs, and has the plugins that most teams need", async () => {
    const { version } = JSON.parse(readFileSync(join(root, "packages/cli/package.json"), "utf8"));
    await enter("npx --no stackyard init . --force --template previews");

    expect(asked).toEqual([]);
    expect(await enter("npx --no -- stackyard --version")).toBe(`${version}\n`);
    expect(await enter("npx --no stackyard validate machines --strict")).toBe("ok   machines/preview.yaml\n");
    expect(await enter("npx --no stackyard hooks --help")).toContain("stackyard hooks");
  });

  it("starts a yard, to which a program with the SDK alone sends an event", async () => {
    const url = await startYard();
    const program = `import { Stackyard } from "@stackyard/sdk";
const yard = new Stackyard({ url: "${url}", token: process.env.TOKEN });
const event = await yard.publish({ stackId: "shop-pr-1", event: "OPENED", machine: "preview", metadata: { sha: "9f1c" } });
console.log((await yard.waitForOutcome(event)).outcome);
`;
    writeFileSync(join(project, "send.mjs"), program);

    expect(await enter("TOKEN=$(cat .stackyard/token) node send.mjs")).toBe("applied\n");
  }, 120_000);

  it("takes at most half of what all packages take, with the store for Postgres", () => {
    expect(measureFolder(join(project, "node_modules"))).toBeLessThan(MOST_INSTALLED);
    expect(
      globSync("node_modules/stackyard/node_modules/{pg,@stackyard/store-postgres}", { cwd: project }),
    ).toHaveLength(2);
  });

  it("has neither the SDK of assistants nor the clients of AWS that only parts for AWS need", () => {
    const found = globSync("node_modules/**/node_modules/{@modelcontextprotocol,@aws-sdk/client-{ec2,ssm,ecs}}", {
      cwd: project,
    });

    expect(found).toEqual([]);
  });

  it("is locked: the project's lock has its checksum, and each package in it comes from it alone", () => {
    const { packages } = JSON.parse(readFileSync(join(project, "package-lock.json"), "utf8"));
    const { "": own, "node_modules/stackyard": file, "node_modules/@stackyard/sdk": sdk, ...inside } = packages;

    expect([own, file.resolved, sdk.resolved]).toEqual([
      own,
      expect.stringMatching(/^file:\.\.\/out\/stackyard-\d/),
      expect.stringMatching(/^file:\.\.\/out\/stackyard-sdk-\d/),
    ]);
    expect([file.integrity, sdk.integrity]).toEqual([
      expect.stringMatching(/^sha512-/),
      expect.stringMatching(/^sha512-/),
    ]);
    expect(Object.keys(inside).length).toBeGreaterThan(100);
    expect(Object.entries(inside).filter(([, each]) => Object(each).inBundle !== true)).toEqual([]);
  });

  it("has all that an executor is made of, with its types: nothing else is installed", async () => {
    const plugin = `import { defineExecutor, definePlugin, type ExecutorContext, running, succeeded } from "stackyard";
import { Type } from "stackyard/schema";
const waiting = (ctx: ExecutorContext) => running({ progress: { at: ctx.clock.now() }, pollAfterMs: 1, message: "" });
const tea = defineExecutor({
  name: "tea",
  config: Type.Object({ cups: Type.Integer() }),
  progress: Type.Object({ at: Type.Integer() }),
  start: async (ctx) => waiting(ctx),
  poll: async (_ctx, { cups }, { at }) => succeeded({ cups: cups + at }),
});
export default definePlugin({ name: "tea", executors: [tea] });
`;
    mkdirSync(join(project, "own"));
    writeFileSync(join(project, "own/tea.ts"), plugin);
    writeFileSync(join(project, "own/wrong.ts"), plugin.replace("cups + at", "cups.brew()"));
    const tsc = join(root, "node_modules/typescript-7/bin/tsc");
    const compile = (file: string) =>
      enter(
        `"${process.execPath}" "${tsc}" --noEmit --strict --skipLibCheck --module nodenext --target es2024 own/${file}`,
      );

    await compile("tea.ts");
    await expect(compile("wrong.ts")).rejects.toMatchObject({ stdout: expect.stringContaining("brew") });
    expect(await enter("node -e 'import(\"./own/tea.ts\").then((m) => console.log(m.default.kind))'")).toBe(
      "stackyard-plugin\n",
    );
  }, 120_000);

  it("creates projects that are installed from the same files", async () => {
    await enter("npx --no stackyard init ../new --force");

    const { dependencies } = JSON.parse(readFileSync(join(temp, "new/package.json"), "utf8"));
    expect(dependencies).toEqual({
      stackyard: expect.stringMatching(/^file:\.\.\/out\/stackyard-\d/),
      "@stackyard/sdk": expect.stringMatching(/^file:\.\.\/out\/stackyard-sdk-\d/),
    });
  });

  it("has a sum for each file, and says from which packages it was made, each with its checksum", () => {
    execFileSync("sha256sum", ["--check", "--strict", "--quiet", "SHA256SUMS"], { cwd: out });
    const { subject, predicate } = JSON.parse(readFileSync(fileOf("*.provenance.json"), "utf8"));
    const names = globSync("*.{tgz,tar.gz}", { cwd: out });

    const sums = readFileSync(join(out, "SHA256SUMS"), "utf8");
    expect(names.filter((name) => !sums.includes(`  ${name}\n`))).toEqual([]);
    expect(subject.map(({ name }: { name: string }) => name)).toEqual(
      names.filter((name) => name.endsWith(".tgz")).sort(),
    );
    for (const { name, digest } of subject) expect(sums).toContain(`${digest.sha256}  ${name}\n`);
    const made: readonly { uri?: string; digest: Record<string, string> }[] =
      predicate.buildDefinition.resolvedDependencies;
    expect(made.filter(({ uri, digest }) => uri !== undefined && digest["sha512"] === undefined)).toEqual([]);
    expect(made.some(({ uri }) => uri?.startsWith("pkg:npm/pg@"))).toBe(true);
  });
});

describe("the SDK as one file", () => {
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  const compile = (file: string) =>
    call(
      process.execPath,
      [
        compiler,
        "--noEmit",
        "--strict",
        "--module",
        "nodenext",
        "--target",
        "es2024",
        "--types",
        "node",
        "--skipLibCheck",
        "false",
        "--extendedDiagnostics",
        file,
      ],
      { cwd: project },
    ).then(
      ({ stdout }) => stdout,
      ({ stdout }) => String(stdout),
    );
  const countOf = (output: string) => Number(/^Instantiations: +(\d+)$/m.exec(output)?.[1]);
  beforeAll(() => {
    for (const name of ["@types/node", "undici-types"])
      cpSync(join(root, "node_modules", name), join(project, "node_modules", name), { recursive: true });
  });

  it("has flat types: with skipLibCheck off, a program computes hardly more of them than one without it", async () => {
    writeFileSync(join(project, "without.ts"), "console.log(process.argv);\nexport {};\n");
    writeFileSync(
      join(project, "with.ts"),
      `import { isStackyardError, Stackyard, StackyardError, type StackSummary } from "@stackyard/sdk";
export class Failure extends StackyardError {}
const yard = new Stackyard({ url: "http://127.0.0.1:7070", token: process.env["STACKYARD_TOKEN"] ?? "" });
const event = await yard.publish({ stackId: "pr-14", event: "OPENED", machine: "review-app", metadata: { sha: "c0de" } });
const stack = await yard.waitForState("pr-14", "LIVE", { after: event, stopOnFailure: true });
const summary: StackSummary = await yard.stacks.get("pr-14");
console.log(stack.summary.length, summary.state.length, isStackyardError(stack));
`,
    );

    const [before, after] = [await compile("without.ts"), await compile("with.ts")];

    expect(after).not.toContain("error TS");
    // 2.4 million more, and 10 s of CPU, when the types were computed from core's schemas.
    expect(countOf(after) - countOf(before)).toBeLessThan(20_000);
  }, 120_000);

  it("has the types that the packages have", async () => {
    writeFileSync(
      join(project, "wrong.ts"),
      `import { Stackyard } from "@stackyard/sdk";
const yard = new Stackyard({ url: "x", token: "y" });
const stack = await yard.stacks.get("pr-14");
const id: number = stack.id;
console.log(id, stack.nothing);
`,
    );

    const faults = [...(await compile("wrong.ts")).matchAll(/^wrong\.ts\((\d+),\d+\): error (TS\d+)/gm)];

    expect(faults.map(([, line, code]) => [line, code])).toEqual([
      ["4", "TS2322"],
      ["5", "TS2339"],
    ]);
  }, 60_000);
});

describe("docs/leaving.md", () => {
  it("takes a project's yard away, and leaves what its tasks need", async () => {
    const page = readFileSync(join(root, "docs/leaving.md"), "utf8");
    const removal = /^```sh play\n(npm uninstall.*?)^```$/ms.exec(page)?.[1] ?? "";
    yard?.kill("SIGTERM");
    await vi.waitUntil(() => yard?.exitCode !== null || yard.signalCode !== null, { timeout: 30_000 });
    const cache = join(env.HOME, ".cache/stackyard");
    expect(existsSync(cache)).toBe(true);

    await enter(removal);

    expect(existsSync(cache)).toBe(false);
    expect(readFileSync(join(project, "package-lock.json"), "utf8")).not.toContain("stackyard");
    expect(readFileSync(join(project, "package.json"), "utf8")).not.toMatch(/"(@stackyard\/\w+|stackyard)":/);
    const left = globSync("*", { cwd: project });
    expect(left.filter((name) => /^(machines|\.?stackyard.*)$/.test(name))).toEqual([]);
    expect(left).toContain("terraform");
    expect(globSync("node_modules/{stackyard,@stackyard/sdk}", { cwd: project })).toEqual([]);
  });
});
