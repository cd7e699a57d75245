import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CommandOutput, PluginCommand } from "@stackyard/core";
import { type RunCommandOptions, runCommand } from "@stackyard/core/testing";
import { APP_ID, APP_KEY, type HostSim, startHostSim } from "@stackyard/host-sim";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { setupGitHub } from "./setup-github.ts";

const SECRET = "a-secret-of-the-tests";
const NO_SERVER = { url: "http://127.0.0.1:1" };
const YARD = "https://yard.example.org";
let now = Date.UTC(2026, 0, 1);
let github: HostSim;
let cwd = "";

beforeAll(async () => {
  github = await startHostSim({ secret: SECRET, now: () => now });
});
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "stackyard-setup-"));
  github.settings.requestFault = undefined;
  return () => rmSync(cwd, { recursive: true });
});
afterAll(() => github.stop());

/** Runs the command; `visit` is what the person does once the page is there. */
async function setup(visit: (page: string) => Promise<void>, args: object = {}, options: RunCommandOptions = {}) {
  const stop = new AbortController();
  const command: PluginCommand = {
    ...setupGitHub,
    run(context, given) {
      const progress: CommandOutput["progress"] = (value, toText) => {
        context.out.progress(value, toText);
        visit(String(value["page"])).catch((error) => stop.abort(error));
      };
      return setupGitHub.run({ ...context, out: { ...context.out, progress } }, given);
    },
  };
  const given = { url: YARD, github: github.url, ...args };
  return runCommand([command], setupGitHub.name, given, { cwd, signal: stop.signal, server: NO_SERVER, ...options });
}

/** Presses the button of the page, and returns where GitHub sends the person. */
async function press(page: string): Promise<string> {
  const html = await (await fetch(page)).text();
  const [, action = ""] = /action="([^"]+)"/.exec(html) ?? [];
  const [, manifest = ""] = /name="manifest" value="([^"]+)"/.exec(html) ?? [];
  const body = new URLSearchParams({ manifest: manifest.replaceAll("&quot;", '"').replaceAll("&amp;", "&") });
  const { status, headers } = await fetch(action, { method: "POST", body, redirect: "manual" });
  expect(status).toBe(302);
  return headers.get("location") ?? "";
}

const statusOf = async (url: string) => (await fetch(url)).status;
/** `fetch` sets the header `host` itself. */
const statusUnderName = (host: string, page: string) =>
  new Promise((resolve) => get(page, { headers: { host } }, (response) => resolve(response.resume().statusCode)));
const create = async (page: string) => void (await fetch(await press(page)));

describe("hosts setup github", () => {
  it("registers an App, and writes its key and secret for the person alone", async () => {
    const { exitCode, text, value } = await setup(create);

    expect(exitCode).toBe(0);
    expect(value).toEqual({
      appId: APP_ID,
      url: `${github.url}/apps/stackyard`,
      install: `${github.url}/apps/stackyard/installations/new`,
      files: { key: "github-app.pem", secret: "github-webhook-secret" },
      hosts: {
        github: {
          type: "github",
          appId: APP_ID,
          key: { file: "github-app.pem" },
          secrets: [{ file: "github-webhook-secret" }],
          url: github.url,
        },
      },
    });
    expect(readFileSync(join(cwd, "github-app.pem"), "utf8")).toBe(APP_KEY);
    expect(readFileSync(join(cwd, "github-webhook-secret"), "utf8")).toBe(SECRET);
    for (const file of readdirSync(cwd)) expect(statSync(join(cwd, file)).mode & 0o777).toBe(0o600);
    expect(text).toContain('"github": {"type":"github","appId":4711,');
    expect(`${text}${JSON.stringify(value)}`).not.toMatch(new RegExp(`${SECRET}|BEGIN`));
  });

  it("names host, folder and organization", async () => {
    let location = "";
    const result = await setup(
      async (page) => {
        const html = await (await fetch(page)).text();
        [, location = ""] = /action="([^"?]+)/.exec(html) ?? [];
        expect(html).toContain(`${YARD}/hooks/acme-git`);
        await create(page);
      },
      { name: "acme-git", organization: "acme", folder: "." },
      { projectDir: join(cwd, "project") },
    );

    expect(location).toBe(`${github.url}/organizations/acme/settings/apps/new`);
    expect(result.value["files"]).toEqual({ key: "../acme-git-app.pem", secret: "../acme-git-webhook-secret" });
  });

  // Reported: stategraph/stategraph#556 (then Terrateam): the App called another address.
  it("prints the manifest without a page", async () => {
    const { text } = await setup(async () => expect.fail("A page is served."), { print: true, github: undefined });

    expect(JSON.parse(text)).toEqual({
      name: "Stackyard yard.example.org",
      url: YARD,
      hook_attributes: { url: `${YARD}/hooks/github`, active: true },
      public: false,
      default_permissions: {
        metadata: "read",
        contents: "read",
        issues: "read",
        pull_requests: "write",
        checks: "write",
        deployments: "write",
        merge_queues: "read",
      },
      default_events: ["pull_request", "push", "issue_comment", "check_run", "merge_group"],
    });
    expect(readdirSync(cwd)).toEqual([]);
  });

  it("serves a page that runs nothing and sends its form only to GitHub", async () => {
    await setup(async (page) => {
      const { headers } = await fetch(page);
      expect(headers.get("content-security-policy")).toBe(
        `default-src 'none'; form-action ${github.url}; frame-ancestors 'none'; base-uri 'none'`,
      );
      await create(page);
    });
  });

  it("refuses a code with another state, and waits on", async () => {
    const { exitCode } = await setup(async (page) => {
      const location = new URL(await press(page));
      const { state } = Object.fromEntries(location.searchParams);
      location.searchParams.set("state", "x".repeat(state?.length ?? 0));
      expect(await statusOf(location.href)).toBe(400);
      location.searchParams.delete("state");
      expect(await statusOf(location.href)).toBe(400);
      expect(await statusOf(`${page}created?state=${state}&code=../x`)).toBe(400);
      expect(await statusOf(`${page}other`)).toBe(404);
      expect((await fetch(page, { method: "POST" })).status).toBe(405);
      expect(await statusUnderName("yard.example.org", page)).toBe(421);
      location.searchParams.set("state", state ?? "");
      expect(await statusOf(location.href)).toBe(200);
    });

    expect(exitCode).toBe(0);
  });

  it("fails when the code has expired, and leaves no file", async () => {
    const visit = async (page: string) => {
      const location = await press(page);
      now += 3_600_000;
      await fetch(location);
    };

    await expect(setup(visit)).rejects.toMatchObject({
      code: "SERVER_ERROR",
      message: expect.stringContaining("GitHub does not know the code"),
    });
    expect(readdirSync(cwd)).toEqual([]);
  });

  it("tries again when GitHub did not answer", async () => {
    const { exitCode, notes } = await setup(async (page) => {
      const location = await press(page);
      github.settings.requestFault = () => ({ status: 503 });
      expect(await statusOf(location)).toBe(502);
      github.settings.requestFault = undefined;
      expect(await statusOf(location)).toBe(200);
    });

    expect(exitCode).toBe(0);
    expect(notes).toEqual(["GitHub did not answer. Reload the page to try again."]);
  });

  it.each(["github-app.pem", "github-webhook-secret"])("never replaces %s", async (file) => {
    writeFileSync(join(cwd, file), "mine");

    await expect(setup(async () => expect.fail("A page is served."))).rejects.toMatchObject({
      code: "USAGE",
      message: expect.stringContaining(`${file}" exists.`),
    });
    expect(readdirSync(cwd)).toEqual([file]);
    expect(readFileSync(join(cwd, file), "utf8")).toBe("mine");
  });

  it("ends on Ctrl-C, and leaves no file", async () => {
    const interrupt = new AbortController();

    const ended = setup(async () => interrupt.abort(new Error("interrupted")), {}, { signal: interrupt.signal });

    await expect(ended).rejects.toThrow("interrupted");
    expect(readdirSync(cwd)).toEqual([]);
  });

  it("names a folder that does not exist", async () => {
    await expect(setup(async () => expect.fail("A page is served."), { folder: "missing" })).rejects.toMatchObject({
      code: "USAGE",
      message: expect.stringContaining("its folder does not exist."),
    });
  });

  it.each([{ url: undefined }, { url: "https://[" }, { github: "https://[" }])("refuses %j", async (args) => {
    await expect(setup(async () => undefined, args)).rejects.toMatchObject({ code: "USAGE" });
    expect(readdirSync(cwd)).toEqual([]);
  });
});
