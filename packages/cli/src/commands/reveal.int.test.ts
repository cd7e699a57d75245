import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseLines, runCli, startCli } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const MACHINE = `
version: 2
events: [LAUNCH]
metadata:
  dbPassword: { type: string, sensitive: true }
  size: { type: number }
states:
  INIT: { on: { LAUNCH: LIVE } }
  LIVE: {}
`;
const SECRET = "hunter22-of-the-tests";
const REASON = ["--reason", "INC-42: cannot log in"];

let url = "";
let stop: () => Promise<void>;
const run = (name: string, ...words: string[]) =>
  runCli([...words, "--url", url], { env: { STACKYARD_TOKEN: `secret-of-${name}-of-the-tests` } });

beforeAll(async () => {
  const grants = [
    { to: { token: "ada" }, role: "admin", also: ["secrets:read"] },
    { to: { token: "ben" }, role: "admin" },
  ];
  const project = makeTempProject({
    "stackyard.config.json": JSON.stringify({ access: { grants } }),
    "machines/shop.yaml": MACHINE,
  });
  const tokens = ["ada", "ben"].map((name) => `${name}=secret-of-${name}-of-the-tests`).join(",");
  const env = { STACKYARD_API_TOKENS: tokens };
  const server = startCli(["server", "--with-worker", "--port", "0", "--json"], { cwd: project.folder, env });
  ({ url } = JSON.parse(await server.line((line) => line.includes('"kind":"ready"'))));
  stop = async () => {
    server.interrupt();
    await server.result;
    project.remove();
  };
  const metadata = ["--metadata", `dbPassword=${SECRET}`, "--metadata", "size:=3"];
  expect(await run("ada", "send", "pr-1", "LAUNCH", "-m", "shop", ...metadata, "--wait")).toMatchObject({
    exitCode: 0,
  });
});
afterAll(() => stop());

describe("stacks reveal", () => {
  it("prints the value alone on standard output", async () => {
    const { exitCode, stdout } = await run("ada", "stacks", "reveal", "pr-1", "dbPassword", ...REASON);

    expect([exitCode, stdout]).toEqual([0, `${SECRET}\n`]);
  });

  it("prints one object with --json", async () => {
    const { stdout } = await run("ada", "stacks", "reveal", "pr-1", "dbPassword", ...REASON, "--json");

    expect(parseLines(stdout)).toEqual([{ stackId: "pr-1", key: "dbPassword", value: SECRET }]);
  });

  it("leaves its reason in the audit log, and not the value", async () => {
    await run("ada", "stacks", "reveal", "pr-1", "dbPassword", ...REASON);

    await expect
      .poll(async () => (await run("ada", "audit", "--action", "revealSecret", "--json")).stdout)
      .toContain("INC-42: cannot log in");
    expect((await run("ada", "audit", "--json")).stdout).not.toContain(SECRET);
  });

  it.each([
    ["without the permission", "ben", ["pr-1", "dbPassword", ...REASON], 3, "FORBIDDEN"],
    ["for a value that is not sensitive", "ada", ["pr-1", "size", ...REASON], 1, "NOT_FOUND"],
    ["for an unknown stack", "ada", ["pr-2", "dbPassword", ...REASON], 1, "STACK_UNKNOWN"],
    ["without a reason", "ada", ["pr-1", "dbPassword"], 64, "USAGE"],
  ])("prints no value %s", async (_, name, words, exitCode, code) => {
    const result = await run(name, "stacks", "reveal", ...words, "--json");

    expect(result).toMatchObject({ exitCode, stderr: expect.stringContaining(code) });
    expect(result.stdout + result.stderr).not.toContain(SECRET);
  });
});
