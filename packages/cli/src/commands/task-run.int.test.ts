import { afterEach, describe, expect, it } from "vitest";
import { parseLines, runCli, startCli } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const projects: { remove(): void }[] = [];
afterEach(() => {
  for (const project of projects.splice(0)) project.remove();
});

const CONFIG = JSON.stringify({
  executors: { lambda: { mode: "local", functions: { "make-db": { command: ["sh", "./make-db.sh"] } } } },
});

/** A project whose function "make-db" is this script. */
function aProject(script: string, files: Readonly<Record<string, string>> = {}): string {
  const project = makeTempProject({ "stackyard.config.json": CONFIG, "make-db.sh": script, ...files });
  projects.push(project);
  return project.folder;
}

const TASK = { name: "db", executor: "lambda", config: { name: "make-db", args: { engine: "pg" } } };
/** As the predecessor's state manager sends it. */
const MESSAGE = {
  task: TASK,
  stack: { id: "pr-12", previousState: "INIT", machine: "app", _state: "BUILD", tasks: [], metadata: { sha: "9f1c" } },
};
const ECHO = `read -r event; echo called >&2; printf '{"got": "yes", "event": "%s"}' "$(echo "$event" | cut -c 3-9)"\n`;
const env = { PATH: process.env["PATH"] ?? "" };

describe("task run", () => {
  it("runs a message of the queue and prints the answer without sending it", async () => {
    const cwd = aProject(ECHO, { "message.json": JSON.stringify(MESSAGE) });

    const { exitCode, stdout, stderr } = await runCli(["task", "run", "message.json"], { cwd, env });

    expect([exitCode, stdout]).toEqual([
      0,
      expect.stringMatching(/^ok {3}db of pr-12\n {5}got = yes\n {5}event = stackId\n$/),
    ]);
    expect(stderr).toContain("called");
  });

  it("gives programs the answer as the event that a runner would send", async () => {
    const cwd = aProject(ECHO);

    const world = { cwd, env, stdin: JSON.stringify(MESSAGE) };
    const { exitCode, stdout } = await runCli(["task", "run", "-", "--json"], world);

    expect(exitCode).toBe(0);
    expect(parseLines(stdout).at(-1)).toMatchObject({
      event: "TASK_COMPLETED",
      stackId: "pr-12",
      task: TASK,
      outputs: { got: "yes" },
    });
  });

  it("takes the test event of a Lambda function", async () => {
    const cwd = aProject(ECHO);
    const event = { Records: [{ messageId: "m1", body: JSON.stringify(MESSAGE) }] };

    const { exitCode } = await runCli(["task", "run", "-"], { cwd, env, stdin: JSON.stringify(event) });

    expect(exitCode).toBe(0);
  });

  it("runs a message whose time was over long ago", async () => {
    const cwd = aProject(ECHO);
    const dispatch = { id: "pr-12/e1/1/db/1", attempt: 1, deadline: "2020-01-01T00:00:00Z" };

    const { exitCode } = await runCli(["task", "run", "-"], {
      cwd,
      env,
      stdin: JSON.stringify({ ...MESSAGE, dispatch }),
    });

    expect(exitCode).toBe(0);
  });

  it("ends with 2 when the task fails, and says why", async () => {
    const cwd = aProject('echo \'{"errorType": "NoRoom", "errorMessage": "The disk is full."}\'; exit 1\n');

    const { exitCode, stdout } = await runCli(["task", "run", "-"], { cwd, env, stdin: JSON.stringify(MESSAGE) });

    expect([exitCode, stdout]).toEqual([2, expect.stringContaining("FAIL db of pr-12: LAMBDA_FUNCTION_ERROR\n")]);
    expect(stdout).toContain("NoRoom: The disk is full.");
  });

  it.each([
    ["of an unknown executor", { ...TASK, executor: "ecs" }, "EXECUTOR_UNKNOWN"],
    ["whose config does not fit", { ...TASK, config: {} }, "CONFIG_INVALID"],
  ])("ends with 1 for a task %s, of which nothing was begun", async (_what, task, code) => {
    const stdin = JSON.stringify({ ...MESSAGE, task });

    const { exitCode, stdout } = await runCli(["task", "run", "-"], { cwd: aProject(ECHO), env, stdin });

    expect([exitCode, stdout]).toEqual([1, expect.stringContaining(code)]);
  });

  it.each([
    ["no JSON", "{", "is not valid JSON"],
    ["an invalid task message", '{"task": {}}', "The message is not a task"],
    ["two messages", '{"Records": [{"body": "{}"}, {"body": "{}"}]}', "contains 2 messages"],
  ])("rejects %s", async (_what, stdin, reason) => {
    const { exitCode, stderr } = await runCli(["task", "run", "-"], { cwd: aProject(ECHO), env, stdin });

    expect([exitCode, stderr]).toEqual([3, expect.stringContaining(reason)]);
  });

  it("stops the task when it is interrupted", async () => {
    const cwd = aProject("echo started >&2; sleep 60\n");
    const cli = startCli(["task", "run", "-", "--json"], { cwd, env, stdin: JSON.stringify(MESSAGE) });
    await cli.line((line) => line.includes("started"));

    cli.interrupt();

    expect((await cli.result).exitCode).toBe(130);
  });
});
