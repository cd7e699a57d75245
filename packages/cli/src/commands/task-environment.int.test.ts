import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { runCli, startCli } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const MACHINE = `version: 1
events: [OPEN, CLOSE]
states:
  INIT: { on: { OPEN: [{ action: advance, state: WORK }] } }
  WORK: { tasks: [handed, inherited], on: { NEXT: [{ action: advance, state: DONE }] } }
  DONE: { on: { CLOSE: [{ action: advance, state: GONE }] } }
  GONE: { terminal: true }
tasks:
  handed: { executor: lambda, config: { name: count } }
  inherited: { executor: careless, config: {} }
`;
/** Writes down how many secrets it sees. */
const COUNT = "env | grep -cE '^STACKYARD_(TOKEN|API_TOKENS)=' >> counts; echo '{}'";
/** A plugin that starts a program without naming an environment. */
const CARELESS = `
import { execFileSync } from "node:child_process";
import { defineExecutor, definePlugin, succeeded } from "@stackyard/core";
const careless = defineExecutor({
  name: "careless",
  config: { type: "object" },
  async start() {
    execFileSync("sh", ["-c", ${JSON.stringify(COUNT)}], { cwd: import.meta.dirname });
    return succeeded({});
  },
});
export default definePlugin({ name: "careless", options: { type: "object" }, executors: () => [careless] });
`;

let project: ReturnType<typeof makeTempProject>;
beforeEach(() => {
  const config = {
    executors: { lambda: { mode: "local", functions: { count: { command: ["sh", "-c", COUNT] } } } },
    plugins: ["./careless.mjs"],
  };
  project = makeTempProject({
    "stackyard.config.json": JSON.stringify(config),
    "machines/m.yaml": MACHINE,
    "careless.mjs": CARELESS,
  });
});
afterEach(() => {
  vi.unstubAllEnvs();
  project.remove();
});

it("gives no program that a task starts the server's tokens, handed on or inherited", async () => {
  const cwd = project.folder;
  const secrets = { STACKYARD_TOKEN: "t".repeat(43), STACKYARD_API_TOKENS: `ada=${"s".repeat(43)}` };
  for (const [name, value] of Object.entries(secrets)) vi.stubEnv(name, value);
  const server = startCli(["server", "--with-worker", "--port", "0", "--json"], {
    cwd,
    env: { ...secrets, PATH: process.env["PATH"] ?? "" },
  });
  const { url } = JSON.parse(await server.line((line) => line.includes('"kind":"ready"')));
  const env = { STACKYARD_URL: url, STACKYARD_TOKEN: "s".repeat(43) };

  const sent = await runCli(["send", "a", "OPEN", "--machine", "m", "--until", "DONE", "--json"], { cwd, env });

  server.interrupt();
  await server.result;
  expect(sent.exitCode).toBe(0);
  expect(readFileSync(join(cwd, "counts"), "utf8")).toBe("0\n0\n");
});
