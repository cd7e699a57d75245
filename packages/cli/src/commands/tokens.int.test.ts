import { afterAll, beforeAll, expect, it } from "vitest";
import { parseLines, runCli, startCli } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";

let project: ReturnType<typeof makeTempProject>;
let server: ReturnType<typeof startCli>;
beforeAll(async () => {
  project = makeTempProject({ "stackyard.config.json": JSON.stringify({ server: { port: 0 } }) });
  server = startCli(["server", "--with-worker", "--json"], { cwd: project.folder });
  await server.line((line) => line.includes('"kind":"ready"'));
});
afterAll(async () => {
  server.interrupt();
  await server.result;
  project.remove();
});

const run = async (words: readonly string[], env: Readonly<Record<string, string>> = {}) => {
  const result = await runCli(words, { cwd: project.folder, env });
  return { ...result, lines: words.includes("--json") ? parseLines(result.stdout) : [] };
};

it("creates a token, shows its identity, rotates and revokes it", async () => {
  const words = "tokens create ci --role operator --stacks web- --stacks api- --group deployers --expires 30d";
  const created = await run(words.split(" "));
  const secret = created.stdout.trim();
  expect([created.exitCode, secret]).toEqual([0, expect.stringMatching(/^syt_[0-9A-Za-z]{49}$/)]);
  expect(created.stderr).toContain("It is not shown again.");

  const me = await run(["whoami"], { STACKYARD_TOKEN: secret });
  expect(me.stdout).toMatch(/^ci \(a token\)\nId: {5}[0-9A-Z]{26}\n/);
  expect(me.stdout).toContain(
    "Groups: deployers\nRole:   operator (read, approve, send, operate), stacks web-…, api-…",
  );

  const [token] = (await run(["tokens", "ls", "--json"])).lines;
  expect(token).toMatchObject({ name: "ci", status: "active", role: "operator", stacks: ["web-", "api-"] });
  const id = String((token as { id: string }).id);

  const [rotated] = (await run(["tokens", "rotate", id, "--overlap", "0s", "--json"])).lines;
  expect(rotated).toMatchObject({ id, token: expect.stringMatching(/^syt_/) });
  expect((await run(["whoami"], { STACKYARD_TOKEN: secret })).exitCode).toBe(3);

  const next = String((rotated as { token: string }).token);
  expect((await run(["whoami"], { STACKYARD_TOKEN: next })).exitCode).toBe(0);
  expect((await run(["tokens", "revoke", id])).stdout).toContain('Revoked the token "ci".');
  const refused = await run(["whoami", "--json"], { STACKYARD_TOKEN: next });
  expect([refused.exitCode, refused.stderr]).toEqual([3, expect.stringContaining("UNAUTHENTICATED")]);
  expect((await run(["tokens", "ls"])).stdout).toMatch(/revoked/);
});

it("refuses more than the creator has, with exit code 3, and wrong durations with 64", async () => {
  const viewer = (await run(["tokens", "create", "reader", "--role", "viewer"])).stdout.trim();

  const more = await run(["tokens", "create", "x", "--role", "operator"], { STACKYARD_TOKEN: viewer });
  const long = await run(["tokens", "create", "x", "--role", "viewer", "--expires", "400d"]);
  const role = await run(["tokens", "create", "x", "--role", "owner"]);
  const retry = await run(["stacks", "retry", "pr-1"], { STACKYARD_TOKEN: viewer });

  expect([more.exitCode, more.stderr]).toEqual([3, expect.stringContaining("FORBIDDEN")]);
  expect([long.exitCode, long.stderr]).toEqual([64, expect.stringContaining("366d")]);
  expect([role.exitCode, role.stderr]).toEqual([64, expect.stringContaining("role")]);
  expect([retry.exitCode, retry.stderr]).toEqual([3, expect.stringContaining("FORBIDDEN")]);
});

it("doctor warns about tokens of the environment that no grant names", async () => {
  const grants = [{ to: { token: "grafana" }, role: "viewer" }];
  const granted = makeTempProject({ "stackyard.config.json": JSON.stringify({ access: { grants } }) });
  const env = { STACKYARD_API_TOKENS: "grafana=a-token-of-grafana-here,ci=another-token-of-the-tests" };

  const { stdout } = await runCli(["doctor", "--json"], { cwd: granted.folder, env });

  const finding = parseLines(stdout).find(({ check }) => check === "access");
  expect(finding).toMatchObject({ status: "warn", message: expect.stringMatching(/"ci"\.$/) });
  granted.remove();
});
