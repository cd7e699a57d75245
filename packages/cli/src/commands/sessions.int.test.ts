import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestBrowser, findFreePort, startTestIssuer, type TestIssuer } from "@stackyard/oidc-issuer";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseLines, runCli, startCli } from "../testing/run-cli.ts";
import { startLogin } from "../testing/start-login.ts";
import { makeTempProject } from "../testing/temp-project.ts";

interface World {
  readonly url: string;
  readonly issuer: TestIssuer;
  stop(): Promise<void>;
}

let world: World;
let home: string;
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), "logins-"));
  world = await startWorld();
});
afterEach(async () => {
  await world.stop();
  rmSync(home, { recursive: true });
});

/** A server with people and jobs, and their issuer. */
async function startWorld(): Promise<World> {
  const port = await findFreePort();
  const url = `http://127.0.0.1:${port}`;
  const issuer = await startTestIssuer({ yardUrl: url });
  const config = {
    server: { url, port },
    access: {
      people: { issuer: issuer.url, clientId: "stackyard" },
      workloads: [{ name: "ci", issuer: issuer.url }],
      grants: [
        { to: { group: "team-web" }, role: "operator" },
        { to: { workload: "ci", claims: { repository_id: "424242" } }, role: "viewer" },
      ],
    },
  };
  const project = makeTempProject({ "stackyard.config.json": JSON.stringify(config) });
  const server = startCli(["server", "--with-worker", "--json"], { cwd: project.folder });
  await server.line((line) => line.includes('"kind":"ready"'));
  return {
    url,
    issuer,
    async stop() {
      await issuer.stop();
      server.interrupt();
      await server.result;
      project.remove();
    },
  };
}

const run = (words: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  runCli([...words, "--url", world.url, "--json"], { cwd: home, env: { XDG_CONFIG_HOME: home, ...env } });

const runIn = (terminal: string, ...words: readonly string[]) => run(words, { XDG_CONFIG_HOME: join(home, terminal) });

describe("stackyard login", () => {
  it("opens the address in the browser of a terminal, and says so", async () => {
    const script = join(home, "open.sh");
    writeFileSync(script, `#!/bin/sh\necho "$1" >> "${home}/opened"\n`, { mode: 0o700 });
    const env = { XDG_CONFIG_HOME: home, BROWSER: script };
    const login = startCli(["login", "--url", world.url], { cwd: home, env, terminal: true });
    await login.line((line) => line.includes("and type"));

    await expect.poll(() => existsSync(join(home, "opened"))).toBe(true);
    login.interrupt();
    const { stderr } = await login.result;

    expect(readFileSync(join(home, "opened"), "utf8")).toBe(`${world.url}/auth/confirm\n`);
    expect(stderr).toContain("Opened in your browser.");
  });

  it.each([
    ["in a pipe", [], false],
    ["with --no-browser", ["--no-browser"], true],
  ] as const)("opens nothing %s", async (_when, words, terminal) => {
    const env = { XDG_CONFIG_HOME: home, BROWSER: join(home, "missing") };
    const login = startCli(["login", "--url", world.url, ...words], { cwd: home, env, terminal });
    await login.line((line) => line.includes("Allow it only"));
    login.interrupt();

    expect((await login.result).stderr).not.toContain("open");
  });

  it("signs in by a code, keeps the login for its server, and ends with logout or from another terminal", async () => {
    const logins = [
      await startLogin(world.url, join(home, "first")),
      await startLogin(world.url, join(home, "second")),
    ];
    const results = await Promise.all(logins.map((login) => login.result));
    const [{ stdout } = { stdout: "" }] = results;
    const path = join(home, "first/stackyard/credentials.json");
    const kept = JSON.parse(readFileSync(path, "utf8"));
    const listed = parseLines((await runIn("first", "sessions", "ls")).stdout);
    const out = await runIn("first", "logout");
    const after = await runIn("first", "sessions", "ls");

    expect(results).toMatchObject(Array.from({ length: 2 }, () => ({ exitCode: 0, stderr: "" })));
    expect(parseLines(stdout).at(-1)).toMatchObject({
      kind: "signed-in",
      name: "ada@example.org",
      url: world.url,
    });
    expect(stdout).not.toContain("sys_");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(Object.keys(kept)).toEqual([world.url]);
    expect(listed).toMatchObject(expect.arrayContaining([expect.objectContaining({ kind: "cli", current: true })]));
    expect(parseLines(out.stdout)).toEqual([{ kind: "signed-out", url: world.url, ended: true }]);
    expect(JSON.parse(readFileSync(path, "utf8"))).toEqual({});
    expect([after.exitCode, JSON.parse(after.stderr).error.code]).toEqual([3, "UNAUTHENTICATED"]);

    const [session] = parseLines((await runIn("second", "sessions", "ls")).stdout).filter(({ kind }) => kind === "cli");
    const revoked = await runIn("second", "sessions", "revoke", String(session?.["id"]));

    expect(parseLines(revoked.stdout)).toMatchObject([{ id: session?.["id"], who: { name: "ada@example.org" } }]);
    expect((await runIn("second", "sessions", "ls")).exitCode).toBe(3);
  });

  // openclaw#114086, mobula#22: a login whose server was gone waited without a word, and did not end.
  // oomol-lab/oo-cli#204: a request that hung held it for longer than its code.
  it.each(["breaks off", "is silent"])(
    "says that a server that %s does not answer, and ends when its code does",
    async (how) => {
      const code = {
        device_code: "d",
        user_code: "ABCD",
        verification_uri: "http://127.0.0.1/",
        expires_in: 2,
        interval: 1,
      };
      const server = createServer((request, response) => {
        const isPoll = request.url?.startsWith("/auth/token");
        if (!isPoll) response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(code));
        else if (how === "breaks off") request.socket.destroy();
      }).listen(0, "127.0.0.1");
      await new Promise((resolve) => server.once("listening", resolve));
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const options = { cwd: home, env: { XDG_CONFIG_HOME: home } };
      const startedAt = performance.now();

      const { exitCode, stderr } = await runCli(["login", "--no-browser", "--url", url], options);
      server.closeAllConnections();
      server.close();

      expect(exitCode).toBe(3);
      expect(stderr.match(/does not answer/g)).toHaveLength(1);
      expect(stderr).toContain("The code has expired");
      // The limit of a request of its own is 30 s.
      expect(performance.now() - startedAt).toBeLessThan(25_000);
    },
  );

  it("reports a server without sign-in", async () => {
    const server = createServer((_request, response) => response.writeHead(404).end("{}")).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

    const { exitCode, stderr } = await runCli(["login", "--url", url], { cwd: home, env: { XDG_CONFIG_HOME: home } });
    server.close();

    expect(exitCode).toBe(3);
    expect(stderr).toContain(`Sign-in is not configured at ${url}.`);
  });

  it("is not needed where stackyard dev runs: stackyard console prints an address that signs in", async () => {
    const project = makeTempProject({});
    const dev = startCli(["dev", "--port", "0", "--json"], { cwd: project.folder });
    const { url } = JSON.parse(await dev.line((line) => line.includes('"kind":"ready"')));

    const { exitCode, stdout } = await runCli(["console", "--json"], { cwd: project.folder });

    const [printed] = parseLines(stdout) as readonly { readonly signInUrl: string }[];
    dev.interrupt();
    await dev.result;
    project.remove();
    expect(exitCode).toBe(0);
    expect(printed).toMatchObject({ kind: "console", url });
    expect(printed?.signInUrl).toMatch(new RegExp(`^${url}/auth/local\\?code=[0-9A-Z]{4}-[0-9A-Z]{4}$`));
  });

  it("prints an address for the browser while stackyard dev runs", async () => {
    const project = makeTempProject({ "stackyard.config.json": "{}" });
    const dev = startCli(["dev", "--port", "0", "--json"], { cwd: project.folder });
    const ready = JSON.parse(await dev.line((line) => line.includes('"kind":"ready"')));

    const { stdout } = await runCli(["login", "--json"], { cwd: project.folder, env: { XDG_CONFIG_HOME: home } });
    const [{ url } = { url: "" }] = parseLines(stdout);
    const browser = createTestBrowser();
    const code = new URL(String(url)).searchParams.get("code") ?? "";
    await browser.submit(`${ready.url}/auth/local`, { code });
    const sessions = await (await browser.call(`${ready.url}/v1/sessions`)).json();
    dev.interrupt();
    await dev.result;
    project.remove();

    expect(ready.signInUrl).toMatch(/\/auth\/local\?code=[0-9A-Z]{4}-[0-9A-Z]{4}$/);
    expect(url).not.toBe(ready.signInUrl);
    expect(sessions).toMatchObject({ items: [{ kind: "browser", who: { kind: "local" } }] });
  });
});

describe("the token of a CI job", () => {
  const now = () => Math.floor(Date.now() / 1_000);
  const sign = (repository: string) =>
    world.issuer.sign({ aud: world.url, iat: now(), exp: now() + 300, sub: "job", repository_id: repository });

  it("is exchanged for a session without a stored secret", async () => {
    const { exitCode, stdout } = await run(["stacks", "ls"], { STACKYARD_ID_TOKEN: await sign("424242") });

    expect([exitCode, stdout]).toEqual([0, ""]);
  });

  it("of another repository ends with NO_GRANT and exit code 3", async () => {
    const { exitCode, stderr } = await run(["stacks", "ls"], { STACKYARD_ID_TOKEN: await sign("666") });

    expect([exitCode, JSON.parse(stderr).error.code]).toEqual([3, "NO_GRANT"]);
  });
});
