import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { findFreePort, startTestIssuer } from "@stackyard/oidc-issuer";
import { createSqliteStore } from "@stackyard/store-sqlite";
import { afterEach, describe, expect, it } from "vitest";
import { parseLines, runCli } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const projects: { remove(): void }[] = [];
function aProject(files: Readonly<Record<string, string>>): string {
  const project = makeTempProject({ "stackyard.config.json": "{}", ...files });
  projects.push(project);
  return project.folder;
}
afterEach(() => {
  for (const project of projects.splice(0)) project.remove();
});

/** A project whose store was written by an earlier release, as far as its version says. */
async function anOldStore(): Promise<{ readonly cwd: string; readonly version: () => number }> {
  const cwd = aProject({});
  const folder = join(cwd, ".stackyard");
  await (await createSqliteStore({ folder })).close();
  const file = join(folder, "stackyard.db");
  // The user version is at byte 60 of the header.
  const bytes = readFileSync(file);
  bytes.writeUInt32BE(bytes.readUInt32BE(60) - 1, 60);
  writeFileSync(file, bytes);
  return { cwd, version: () => readFileSync(file).readUInt32BE(60) };
}

async function find(cwd: string, check: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  const { stdout } = await runCli(["doctor", "--json"], { cwd });
  return parseLines(stdout).find((finding) => finding["check"] === check);
}

describe("doctor", () => {
  it("says that a store is of an earlier release, and does not change it", async () => {
    const { cwd, version } = await anOldStore();
    const before = version();

    const finding = await find(cwd, "store");

    expect(finding).toMatchObject({ status: "warn", message: expect.stringContaining("`stackyard migrate`") });
    expect(version()).toBe(before);
  });

  it("asks the issuers of people and of jobs", async () => {
    const issuer = await startTestIssuer({ yardUrl: "https://yard.example.org" });
    const people = { issuer: issuer.url, clientId: "stackyard" };
    const config = (access: object) => JSON.stringify({ server: { url: "https://yard.example.org" }, access });
    const cwd = aProject({ "stackyard.config.json": config({ people }) });

    const reached = await find(cwd, "issuer");
    issuer.override = (_, response) => {
      response.end(JSON.stringify({ issuer: `${issuer.url}/realms/a/` }));
      return true;
    };
    const renamed = await find(cwd, "issuer");
    await issuer.stop();
    const workloads = [{ name: "ci", issuer: issuer.url }];
    const stopped = await find(aProject({ "stackyard.config.json": config({ workloads }) }), "issuer");

    expect(reached).toMatchObject({ status: "ok", message: `${issuer.url} answers, directly.` });
    expect(renamed).toMatchObject({ status: "fail", message: expect.stringContaining(`"${issuer.url}/realms/a/"`) });
    expect(stopped).toMatchObject({ status: "fail", message: expect.stringContaining("does not answer") });
  });

  it("tries each address that services call, and says which way the request went", async () => {
    const plugin = (
      addresses: readonly string[],
    ) => `export default { kind: "stackyard-plugin", name: "p", commands: [],
      executors: () => [], addresses: async () => ${JSON.stringify(addresses)} };`;
    const server = createServer((_, response) => response.writeHead(404).end());
    const port = await new Promise<number>((resolve) => {
      server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
    });
    const addresses = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${await findFreePort()}`, "http://proxied.test"];
    const cwd = aProject({ "stackyard.config.json": '{ "plugins": ["./p.mjs"] }', "p.mjs": plugin(addresses) });
    const env = { HTTP_PROXY: "http://ada:secret@127.0.0.1:9", NO_PROXY: "127.0.0.1" };

    const { stdout } = await runCli(["doctor", "--json"], { cwd, env });
    const through = await runCli(["doctor", "--json"], { cwd, env: { ...env, NODE_USE_ENV_PROXY: "1" } });
    server.close();

    const toTried = (text: string) => parseLines(text).filter((finding) => finding["check"] === "network");
    expect(toTried(stdout)).toMatchObject([
      { status: "ok", message: `${addresses[0]} answers, directly.` },
      { status: "fail", message: expect.stringMatching(/ECONNREFUSED.* It was asked directly\.$/) },
      { status: "fail", hint: "HTTP_PROXY names a proxy, but Node does not use it: set NODE_USE_ENV_PROXY=1." },
    ]);
    expect(toTried(through.stdout).at(-1)).toMatchObject({
      message: expect.stringContaining("It was asked through the proxy http://127.0.0.1:9 of HTTP_PROXY."),
      hint: expect.stringContaining("NO_PROXY"),
    });
  });

  it("tries the addresses of other plugins when the document of one is not readable", async () => {
    const plugin = (name: string, addresses: string) =>
      `export default { kind: "stackyard-plugin", name: "${name}", commands: [], executors: () => [], addresses: async () => ${addresses} };`;
    const address = `http://127.0.0.1:${await findFreePort()}`;
    const cwd = aProject({
      "stackyard.config.json": '{ "plugins": ["./broken.mjs", "./good.mjs"] }',
      "broken.mjs": plugin("broken", '{ throw new Error("channels.yaml:3 is no YAML."); }'),
      "good.mjs": plugin("good", JSON.stringify([address])),
    });

    const { stdout } = await runCli(["doctor", "--json"], { cwd });

    expect(parseLines(stdout).filter((finding) => finding["check"] === "network")).toMatchObject([
      { status: "fail", message: expect.stringContaining(address) },
      { status: "fail", message: expect.stringContaining("channels.yaml:3 is no YAML.") },
    ]);
  });

  it("warns about a public address without trusted proxies", async () => {
    const server = { url: "https://yard.example.org" };
    const proxied = { ...server, trustedProxies: ["10.0.0.0/8"] };
    const cwd = aProject({ "stackyard.config.json": JSON.stringify({ server }) });

    expect(await find(cwd, "proxies")).toMatchObject({
      status: "warn",
      message: expect.stringContaining("server.trustedProxies is empty"),
    });
    writeFileSync(join(cwd, "stackyard.config.json"), JSON.stringify({ server: proxied }));
    expect(await find(cwd, "proxies")).toBeUndefined();
  });

  it.each([
    ["echo 'Terraform v0.11.14'", "warn", /is version 0\.11\.14, which is too old: 1\.0 is needed/],
    ["echo 'Terraform v1.11.4'", "ok", /terraform 1\.11\.4/],
    ["exit 1", "warn", /"terraform" does not answer: it ended with exit code 1\./],
    ["echo 'no license' >&2; exit 3", "warn", /ended with exit code 3, and "no license"/],
    [undefined, "warn", /"terraform" is not found in any folder of PATH/],
  ])("names what is wrong with Terraform: %s", async (script, status, message) => {
    const cwd = aProject(script === undefined ? {} : { "bin/terraform": `#!/bin/sh\n${script}\n` });
    if (script !== undefined) chmodSync(join(cwd, "bin/terraform"), 0o755);

    const { stdout } = await runCli(["doctor", "--json"], { cwd, env: { PATH: join(cwd, "bin") } });

    const found = parseLines(stdout).find((finding) => finding["check"] === "terraform");
    expect(found).toMatchObject({ status, message: expect.stringMatching(message) });
  });

  it("says that a file of Terraform's name is no program", async () => {
    const cwd = aProject({ "bin/terraform": "of another system" });
    chmodSync(join(cwd, "bin/terraform"), 0o644);

    const { stdout } = await runCli(["doctor", "--json"], { cwd, env: { PATH: join(cwd, "bin") } });

    const found = parseLines(stdout).find((finding) => finding["check"] === "terraform");
    expect(found).toMatchObject({ status: "warn", message: expect.stringMatching(/cannot be started \(EACCES\)/) });
  });

  it("does not ask for the database of a server that is elsewhere", async () => {
    const cwd = aProject({ "stackyard.config.json": '{ "store": "postgres" }' });
    const checksOf = async (env: Readonly<Record<string, string>>) =>
      parseLines((await runCli(["doctor", "--json"], { cwd, env })).stdout).map((finding) => finding["check"]);

    expect(await checksOf({ STACKYARD_URL: "https://yard.test", STACKYARD_TOKEN: "t" })).not.toContain("store");
    expect(await checksOf({})).toContain("store");
  });

  it("does not create a missing store", async () => {
    const cwd = aProject({});

    expect(await find(cwd, "store")).toMatchObject({ status: "ok", message: expect.stringContaining("created when") });
    expect(existsSync(join(cwd, ".stackyard"))).toBe(false);
  });

  it("fails for a data folder or a machines folder that is a file", async () => {
    const config = '{"dataDir": "afile", "machines": "afile"}';
    const cwd = aProject({ "stackyard.config.json": config, afile: "x" });

    expect(await find(cwd, "store")).toMatchObject({
      status: "fail",
      message: expect.stringContaining("not a folder"),
    });
    expect(await find(cwd, "machines")).toEqual({
      check: "machines",
      status: "fail",
      message: `${join(cwd, "afile")} is not a folder.`,
      hint: "Correct `machines` in the configuration.",
    });
  });

  it("fails for a machine that is in two files, and so does validate", async () => {
    const machine = "version: 2\nevents: [GO]\nstates:\n  INIT: {on: {GO: END}}\n  END: {terminal: true}\n";
    const cwd = aProject({ "machines/web.yaml": machine, "machines/web.yml": machine, "machines/api.yaml": machine });

    const validated = await runCli(["validate", "--json"], { cwd });

    expect(await find(cwd, "machines")).toMatchObject({ status: "fail" });
    expect(parseLines(validated.stdout)).toMatchObject([
      { file: "machines/api.yaml", valid: true },
      { file: "machines/web.yaml", valid: false, problems: [{ code: "machine-duplicate" }] },
      { file: "machines/web.yml", valid: false, problems: [{ code: "machine-duplicate" }] },
    ]);
    expect((await runCli(["validate", "machines/web.yml"], { cwd })).exitCode).toBe(0);
  });
});

describe("migrate", () => {
  it("does not create a missing store", async () => {
    const cwd = aProject({});

    const { exitCode, stdout } = await runCli(["migrate"], { cwd });

    expect([exitCode, stdout]).toEqual([0, expect.stringContaining("does not exist yet")]);
    expect(existsSync(join(cwd, ".stackyard"))).toBe(false);
  });

  it("brings an empty file to the schema of this release, and says so", async () => {
    const cwd = aProject({ ".stackyard/stackyard.db": "" });

    const first = await runCli(["migrate"], { cwd });

    expect(first.stdout).toBe(`The store ${join(cwd, ".stackyard")} was migrated.\n`);
    expect((await runCli(["migrate", "--json"], { cwd })).stdout).toContain('"migrated":false');
  });
});
