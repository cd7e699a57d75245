import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type RunningCli, runCli, startCli } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const MACHINE = `version: 2
events: [OPENED]
states:
  INIT: { on: { OPENED: BUILD } }
  BUILD: { tasks: [throws, exits, speaks, slow] }
tasks:
  throws: { executor: lambda, config: { name: throws } }
  exits: { executor: lambda, config: { name: exits } }
  speaks: { executor: lambda, config: { name: speaks } }
  slow: { executor: lambda, config: { name: slow } }
`;

const FUNCTIONS = {
  throws: "./functions/throws.mjs",
  exits: "./functions/exits.mjs",
  speaks: { command: ["sh", "./functions/speaks.sh"] },
  slow: { file: "./functions/slow.mjs", timeout: "1s" },
};

/** What each function says once, and what its failure is called. */
const SAID = {
  throws: "no room for another",
  exits: "giving up now",
  speaks: "cannot reach the host",
  slow: "Task timed out after 1.00 seconds",
};

let cwd = "";
let dev: RunningCli;
let clean = () => {};

beforeAll(async () => {
  const project = makeTempProject({
    "stackyard.config.json": JSON.stringify({ executors: { lambda: { functions: FUNCTIONS, mode: "local" } } }),
    "machines/m.yaml": MACHINE,
    "functions/throws.mjs": `export function handler() { throw new Error("${SAID.throws}"); }`,
    "functions/exits.mjs": `export function handler() { console.error("${SAID.exits}"); process.exit(3); }`,
    "functions/speaks.sh": `cat > /dev/null\necho "${SAID.speaks}" >&2\nexit 7\n`,
    "functions/slow.mjs": "export const handler = () => new Promise(() => setTimeout(() => {}, 60_000));",
  });
  ({ folder: cwd, remove: clean } = project);
  dev = startCli(["dev", "--port", "0"], { cwd });
  await dev.line((line) => line.includes("Ctrl-C stops"));
  await runCli(["send", "pr-1", "OPENED", "--machine", "m"], { cwd });
  const areSettled = async () =>
    expect((await runCli(["stacks", "show", "pr-1"], { cwd })).stdout.match(/ ERROR /g)).toHaveLength(4);
  await vi.waitFor(areSettled, { timeout: 20_000, interval: 200 });
});
afterAll(async () => {
  dev.interrupt();
  await dev.result;
  clean();
});

const count = (text: string, part: string) => text.split(part).length - 1;
const run = async (...words: readonly string[]) => (await runCli(words, { cwd })).stdout;

describe("the failure of a local function", () => {
  it.each(Object.entries(SAID))("stands once in the log and in the history: %s", async (task, said) => {
    const log = await run("stacks", "logs", "pr-1", task);
    const json = await run("stacks", "logs", "pr-1", task, "--json");
    const history = await run("stacks", "history", "pr-1");

    expect([log, json, history].map((text) => count(text, said))).toEqual([1, 1, 1]);
    expect(log).toMatch(/^It failed\. LAMBDA_/m);
  });

  it("stands once in the stack's page, as that of the task that failed last", async () => {
    const shown = await run("stacks", "show", "pr-1");

    expect(Object.values(SAID).filter((said) => count(shown, said) > 1)).toEqual([]);
    expect(Object.values(SAID).filter((said) => count(shown, said) === 1)).not.toEqual([]);
  });
});
