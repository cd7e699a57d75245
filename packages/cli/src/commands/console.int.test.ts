import { createTestBrowser } from "@stackyard/oidc-issuer";
import { afterEach, expect, it } from "vitest";
import { parseLines, runCli, startCli } from "../testing/run-cli.ts";
import { makeSharedStore } from "../testing/shared-store.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const ADMIN = "a-secret-of-an-administrator";
const CI = "a-secret-of-a-build-system";
const OLD = "a-secret-that-lost-its-grant";
const access = {
  grants: [
    { to: { token: "ci" }, role: "operator" },
    { to: { token: "ops" }, role: "admin" },
  ],
};

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Starts a server with three tokens and no issuer. */
async function startServer() {
  const { files } = makeSharedStore();
  const config = JSON.stringify({ store: "./store.mjs", access });
  const { folder: cwd, remove } = makeTempProject({ ...files, "stackyard.config.json": config });
  cleanUps.push(remove);
  const env = { STACKYARD_API_TOKENS: `ops=${ADMIN},ci=${CI},old=${OLD}` };
  const server = startCli(["server", "--port", "0", "--json"], { cwd, env });
  cleanUps.push(() => {
    server.interrupt();
    return server.result;
  });
  const url = String(parseLines(await server.line((line) => line.includes('"kind":"ready"')))[0]?.["url"]);
  const run = (token: string, ...words: string[]) =>
    runCli(words, { cwd, env: { STACKYARD_URL: url, STACKYARD_TOKEN: token } });
  return { url, run, server };
}

it("a server with grants names the configured tokens without one when it starts, and they may do nothing", async () => {
  const { server, run } = await startServer();

  const line = await server.errorLine((text) => text.includes("No grant"));
  const denied = await run(OLD, "stacks", "ls", "--json");

  expect(line).toContain('No grant names these configured tokens, so they may do nothing: \\"old\\". Add a grant');
  expect([denied.exitCode, denied.stderr]).toEqual([3, expect.stringContaining("NO_GRANT")]);
});

it("console signs a person in at a server with tokens only", async () => {
  const { url, run } = await startServer();

  const printed = await run(ADMIN, "console", "--as", "ada", "--role", "viewer", "--json");

  const signInUrl = String(parseLines(printed.stdout)[0]?.["signInUrl"]);
  const code = new URL(signInUrl).searchParams.get("code") ?? "";
  const browser = createTestBrowser();
  await browser.submit(`${url}/auth/local`, { code });
  const me = await (await browser.call(`${url}/v1/me`)).json();
  expect(me).toMatchObject({ kind: "person", name: "ada (code of ops)", rights: [{ role: "viewer" }] });
});

it("console says why a token makes no codes, and prints the address alone where none is wanted", async () => {
  const { url, run } = await startServer();

  const refused = await run(CI, "console", "--as", "ada");
  const plain = await run(CI, "console");

  expect([refused.exitCode, refused.stderr]).toEqual([
    3,
    expect.stringContaining("with the role admin can make codes"),
  ]);
  expect([plain.exitCode, plain.stdout]).toEqual([0, `Open ${url}\n`]);
});
