import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startTestIssuer } from "@stackyard/oidc-issuer";
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

    expect(reached).toMatchObject({ status: "ok", message: `${issuer.url} answers.` });
    expect(renamed).toMatchObject({ status: "fail", message: expect.stringContaining(`"${issuer.url}/realms/a/"`) });
    expect(stopped).toMatchObject({ status: "fail", message: expect.stringContaining("does not answer") });
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

    expect(reached).toMatchObject({ status: "ok", message: `${issuer.url} answers.` });
    expect(renamed).toMatchObject({ status: "fail", message: expect.stringContaining(`"${issuer.url}/realms/a/"`) });
    expect(stopped).toMatchObject({ status: "fail", message: expect.stringContaining("does not answer") });
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
