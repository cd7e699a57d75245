import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli, startCli } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";

/** Line ends that some reader knows, and what a terminal interprets. */
const BREAKS = [
  "\n",
  "\r",
  "\r\n",
  "\u000b",
  "\u000c",
  "\u0085",
  "\u2028",
  "\u2029",
  "\u001b[2K\u001b[1G",
  "\u202e",
  "\u0000",
];
const FORGED = "FORGED line";
const HOSTILE = `x${BREAKS.map((each) => `${each}${FORGED}`).join("")}`;

/** What the server answers, by path; a function of the request's number. */
let answers: Readonly<Record<string, { readonly status: number; readonly body: unknown }>> = {};
let server: Server;
let url = "";
const { folder: cwd, remove } = makeTempProject({});

beforeAll(async () => {
  server = createServer((request, response) => {
    const { status, body } = answers[request.url?.split("?")[0] ?? ""] ?? { status: 404, body: { detail: HOSTILE } };
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
});
afterAll(() => {
  server.close();
  remove();
});

const run = (...words: string[]) =>
  runCli([...words, "--url", url], {
    cwd,
    terminal: true,
    env: { XDG_CONFIG_HOME: cwd, COLUMNS: "400", BROWSER: "none" },
  });

function check(text: string) {
  // Line ends that are not "\n" would have been left by the cleaner of the output.
  for (const line of text.split(/\r\n|[\n\r\v\f\u0085\u2028\u2029]/)) expect(line).not.toMatch(/^\s*FORGED/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  expect(text).not.toMatch(/\u001b\[2K\u001b\[1G|\u202e|\u0000/);
}

const CODE = {
  device_code: "d",
  user_code: `AB12\n${HOSTILE}`,
  verification_uri: "https://yard.example.org/c",
  interval: 0,
};

describe("texts of a hostile server at a sign-in", () => {
  it("stay one line in the code and the name that are printed", async () => {
    const token = { access_token: "sys_x", name: HOSTILE, expires_in: 60 };
    answers = { "/auth/device": { status: 200, body: CODE }, "/auth/token": { status: 200, body: token } };

    const { stdout, stderr, exitCode } = await run("login");

    check(stdout + stderr);
    expect(stdout).toContain("AB12");
    expect(exitCode).toBe(0);
  });

  it.each([400, 401, 403, 429, 500])("stay one line in a refusal with %i", async (status) => {
    const body = { detail: HOSTILE, error: HOSTILE, code: "NO_GRANT", title: HOSTILE };
    answers = { "/auth/device": { status, body }, "/auth/local": { status, body } };

    const refused = await run("login");

    check(refused.stdout + refused.stderr);
    expect(refused.exitCode).not.toBe(0);
  });

  it.each([
    ["an option of a program", "--incognito"],
    ["a file", "file:///etc/passwd"],
    ["a script", "javascript:alert(1)"],
    ["no text", { toString: "https://yard.example.org" }],
    ["nothing", null],
  ])("do not make the browser open %s", async (_what, verification_uri) => {
    answers = { "/auth/device": { status: 200, body: { ...CODE, verification_uri } } };

    expect(await run("login")).toMatchObject({ stderr: expect.stringContaining("names no address to sign in at") });
  });

  it.each([
    { expires_in: "soon" },
    { expires_in: 1e308 },
    { expires_in: null, interval: {} },
    { interval: -1 },
    { interval: 1e308, expires_in: -1 },
  ])("are not taken for durations: %j", async (odd) => {
    answers = { "/auth/device": { status: 200, body: { ...CODE, ...odd } } };

    const command = startCli(["login", "--url", url, "--json"], { cwd, env: { XDG_CONFIG_HOME: cwd } });
    const line = await command.line((text) => text.includes("userCode"));
    command.interrupt();
    await command.result;

    expect(Date.parse(JSON.parse(line).expiresAt)).toBeGreaterThan(Date.now() - 1_000);
  });
});

describe("texts of a hostile server in other commands", () => {
  const commands = [
    ["whoami"],
    ["stacks", "ls"],
    ["stacks", "show", "a"],
    ["tokens", "ls"],
    ["audit", "--limit", "1"],
    ["send", "a", "GO"],
    ["bulk", "ls"],
    ["machines", "ls"],
    ["sessions", "ls"],
    ["approvals", "ls"],
  ];

  it.each(commands)("stay one line in a refusal of %s %s %s", async (...words) => {
    const body = {
      type: "about:blank",
      title: HOSTILE,
      status: 409,
      detail: HOSTILE,
      code: HOSTILE,
      details: { hint: HOSTILE },
    };
    const paths = [
      "me",
      "stacks",
      "stacks/a",
      "tokens",
      "audit",
      "events",
      "bulk",
      "machines",
      "sessions",
      "approvals",
    ];
    answers = Object.fromEntries(paths.map((path) => [`/v1/${path}`, { status: 409, body }]));

    const { stdout, stderr } = await run(...words.filter((word) => word !== undefined), "--token", "t");

    check(stdout + stderr);
    expect(stderr).toContain("FORGED");
  });
});
