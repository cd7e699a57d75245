import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findFreePort, startTestIssuer, type TestIssuer } from "@stackyard/oidc-issuer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseLines, type RunningCli, runCli, startCli } from "../testing/run-cli.ts";
import { startLogin } from "../testing/start-login.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const MACHINE = `
version: 2
events: { SHIP: { metadata: [image] } }
states:
  INIT: { on: { SHIP: RELEASE } }
  RELEASE: { tasks: [sign-off, deploy], on: { NEXT: LIVE } }
  LIVE: { on: { SHIP: RELEASE } }
tasks:
  sign-off:
    executor: approval
    config: { from: [managers], count: 2, comment: required, of: "\${metadata.image}" }
  deploy: { executor: lambda, needs: [sign-off], config: { name: deploy } }
`;

const homes = new Map<string, string>();
let url = "";
let issuer: TestIssuer;
let stop: () => Promise<void>;

beforeAll(async () => {
  const port = await findFreePort();
  url = `http://127.0.0.1:${port}`;
  issuer = await startTestIssuer({ yardUrl: url });
  const config = {
    server: { url, port },
    access: {
      people: { issuer: issuer.url, clientId: "stackyard" },
      grants: [{ to: { signedIn: true }, role: "operator" }],
    },
    executors: { lambda: { functions: { deploy: "./deploy.mjs" }, mode: "local" } },
  };
  const project = makeTempProject({
    "stackyard.config.json": JSON.stringify(config),
    "machines/shop.yaml": MACHINE,
    "deploy.mjs": "export const handler = async () => ({});\n",
  });
  const server = startCli(["server", "--with-worker", "--json"], { cwd: project.folder });
  await server.line((line) => line.includes('"kind":"ready"'));
  stop = async () => {
    await issuer.stop();
    server.interrupt();
    await server.result;
    project.remove();
  };
  const logins = [];
  for (const name of ["eve", "ada", "ben"]) logins.push((await signIn(name)).result);
  expect(await Promise.all(logins)).toMatchObject([{ exitCode: 0 }, { exitCode: 0 }, { exitCode: 0 }]);
});
afterAll(async () => {
  await stop();
  for (const home of homes.values()) rmSync(home, { recursive: true });
});

/** Begins the login of a person, in a folder of their own. */
function signIn(name: string): Promise<RunningCli> {
  const home = mkdtempSync(join(tmpdir(), `approvals-${name}-`));
  homes.set(name, home);
  issuer.person = { sub: name, email: `${name}@example.org`, groups: ["managers"] };
  return startLogin(url, home);
}

function run(name: string, ...words: readonly string[]) {
  const home = homes.get(name) ?? "";
  return runCli([...words, "--url", url], { cwd: home, env: { XDG_CONFIG_HOME: home } });
}

const approve = (name: string, ...more: readonly string[]) =>
  run(name, "approvals", "approve", "web-1", "sign-off", ...more);
const listMine = async (name: string) => parseLines((await run(name, "approvals", "ls", "--mine", "--json")).stdout);

describe("stackyard approvals", () => {
  it("lets two people approve what a third one requested, and then deploys it", async () => {
    await run("eve", "send", "web-1", "SHIP", "--machine", "shop", "--metadata", "image=app:1", "--wait");

    expect((await run("ada", "approvals", "ls")).stdout).toMatch(
      /STACK +TASK +APPROVALS +FROM +ASKED BY +FOR +WHAT\nweb-1 +sign-off +0 of 2 +managers +eve@example.org +\S+ +app:1\n/,
    );
    expect((await run("ada", "approvals", "commits", "web-1", "sign-off")).stdout).toBe(
      "The stack has not succeeded yet, as far as its history is kept.\n",
    );
    expect([await listMine("eve"), (await listMine("ada")).length]).toEqual([[], 1]);
    const said = ["--of", "app:1", "--comment", "tested"];
    expect(await approve("eve", ...said)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/NOT_ALLOWED .*\n`stackyard whoami` shows .*`stackyard login`/),
    });
    expect(await approve("ada", "--of", "app:1")).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("COMMENT_REQUIRED"),
    });
    expect(await approve("ada", ...said)).toMatchObject({ exitCode: 0, stderr: "" });
    expect(await approve("ada", ...said)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("APPROVAL_REPEATED"),
    });
    const { stdout } = await run("ben", "stacks", "show", "web-1");
    expect(stdout).toContain("Waits for 1 more approval from managers (approved: ada@example.org). Expires in ");
    expect(stdout).toMatch(
      /sign-off +1 of 2 \(ada@example.org\) +From managers. Asked by eve@example.org. Repeat with --of "app:1"/,
    );
    expect(stdout).toContain("end of the approval of sign-off");

    expect((await approve("ben", ...said)).stdout).toBe(
      "web-1 has your approval of sign-off.\n  Approved by ben@example.org: 2 of 2.\n",
    );

    const history = parseLines((await run("ben", "stacks", "history", "web-1", "--json")).stdout);
    const applied = history.filter(({ event, outcome }) => event === "APPROVE_TASK" && outcome === "applied");
    expect(applied).toMatchObject([
      { actor: "ada@example.org", reason: "tested", sent: [] },
      { actor: "ben@example.org", reason: "tested", sent: ["deploy"] },
    ]);
    expect(await approve("ben", ...said)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('Task "sign-off" of "web-1" waits for no approval'),
    });
  });

  it("takes an approval back, and rejects", async () => {
    await run("eve", "send", "web-2", "SHIP", "--machine", "shop", "--metadata", "image=app:1", "--wait");
    const words = ["web-2", "sign-off", "--comment", "too early"];
    await run("ada", "approvals", "approve", ...words, "--of", "app:1");

    const withdrawn = await run("ada", "approvals", "withdraw", ...words);
    const rejected = await run("ben", "approvals", "reject", ...words);

    expect(withdrawn.stdout).toBe(
      "web-2 no longer has your approval of sign-off.\n  Withdrawn by ada@example.org: 0 of 2.\n",
    );
    expect(rejected).toMatchObject({ exitCode: 0, stdout: "web-2 has your rejection of sign-off.\n" });
    expect((await run("ben", "stacks", "show", "web-2")).stdout).toContain("Rejected by ben@example.org: too early");
    expect((await run("ben", "approvals", "ls")).stderr).toContain("Nothing waits for an approval.");
  });
});
