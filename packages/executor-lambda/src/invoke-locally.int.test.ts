import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Executor, Failed } from "@stackyard/core";
import { programStarter } from "@stackyard/core/programs";
import { describe, expect, it } from "vitest";
import type { LambdaOptions } from "./definition.ts";
import { createLambdaExecutor } from "./lambda.ts";
import { aContext } from "./testing/a-context.ts";
import { start } from "./testing/run.ts";

const projectDir = join(import.meta.dirname, "../fixtures");
const id = "01234567-89ab-cdef-0123-456789abcdef";
const python = spawnSync("python3", ["--version"]).status === 0;

function anExecutor(fn: NonNullable<LambdaOptions["functions"]>[string]): Executor {
  return createLambdaExecutor({ functions: { f: fn } }, { projectDir });
}

async function call(fn: NonNullable<LambdaOptions["functions"]>[string], name = "f") {
  const ctx = aContext();
  return { step: await start(anExecutor(fn), ctx, { name }), lines: ctx.reports };
}

async function failureOf(fn: NonNullable<LambdaOptions["functions"]>[string]): Promise<Failed> {
  const { step } = await call(fn);
  if (step.kind !== "failed") throw new Error(`It ${step.kind}.`);
  return step;
}

describe("a local Node function", () => {
  it("gets event and context, and its output is reported", async () => {
    const ctx = aContext();

    const step = await start(anExecutor("./functions.mjs:hello"), ctx, { name: "f", args: { size: 3 } });

    expect(step).toEqual({ kind: "succeeded", outputs: { stack: "pr-12", size: 3 } });
    expect([...ctx.reports].sort()).toEqual(["a warning", "hello from f"]);
  });

  it.each([
    ["CommonJS", "./common.cjs", { cjs: "pr-12" }],
    ["a callback", "./functions.mjs:callback", { by: "callback" }],
    ["no result", "./functions.mjs:nothing", {}],
  ])("may use %s", async (_, file, outputs) => {
    expect((await call(file)).step).toEqual({ kind: "succeeded", outputs });
  });

  it.each(["arn:aws:lambda:eu-west-1:123456789012:function:f:live", "f:live", "123456789012:function:f"])(
    "is found by %s",
    async (name) => {
      expect((await call("./common.cjs", name)).step).toMatchObject({ kind: "succeeded" });
    },
  );

  it("learns of its call from the context and the environment", async () => {
    const fn = { file: "./functions.mjs:context", timeout: "30s", memoryMb: 256, env: { GREETING: "hi" } };
    const { step } = await call(fn, "f:live");

    expect(step).toEqual({
      kind: "succeeded",
      outputs: {
        functionName: "f",
        functionVersion: "$LATEST",
        invokedFunctionArn: "arn:aws:lambda:local:000000000000:function:f:live",
        memoryLimitInMB: "256",
        awsRequestId: id,
        logGroupName: "/aws/lambda/f",
        logStreamName: "local",
        left: expect.any(Number),
        inEnv: "f",
        given: "hi",
      },
    });
    const left = step.kind === "succeeded" ? Number(Object(step.outputs).left) : 0;
    expect(left).toBeGreaterThan(25_000);
    expect(left).toBeLessThanOrEqual(30_000);
  });

  it("that was changed is loaded anew", async () => {
    const folder = mkdtempSync(join(tmpdir(), "functions-"));
    const executor = createLambdaExecutor({ functions: { f: "./f.mjs" } }, { projectDir: folder });
    const write = (version: number): void =>
      writeFileSync(join(folder, "f.mjs"), `export const handler = () => ({ version: ${version} });`);

    write(1);
    const first = await start(executor, aContext(), { name: "f" });
    write(2);
    const second = await start(executor, aContext(), { name: "f" });

    expect([first, second]).toMatchObject([{ outputs: { version: 1 } }, { outputs: { version: 2 } }]);
  });

  it.each([
    ["throws", /^TypeError: no database\n {4}at throws \(file:.*functions\.mjs:8:9\)$/],
    ["throwsText", /^string: only a text$/],
    ["failsCallback", /^Error: by callback\n/],
    ["throwsLater", /^RangeError: later\n/],
    ["rejectsLater", /^Runtime\.UnhandledPromiseRejection: Error: nobody waits\n/],
    ["exits", new RegExp(`^Runtime\\.ExitError: RequestId: ${id} Error: Runtime exited with error: exit status 3$`)],
    ["exitsQuietly", /Error: Runtime exited without providing a reason$/],
    ["waitsForNothing", /Error: Runtime exited without providing a reason$/],
    ["kills", /Error: Runtime exited with error: signal: killed$/],
    ["notThere", /^Runtime\.HandlerNotFound: .*functions\.mjs\.notThere is undefined or not exported$/],
    ["notAFunction", /^Runtime\.HandlerNotFound: .*functions\.mjs\.notAFunction is not a function$/],
  ])("that %s is a function error", async (handler, message) => {
    expect(await failureOf(`./functions.mjs:${handler}`)).toEqual({
      kind: "failed",
      code: "LAMBDA_FUNCTION_ERROR",
      message: expect.stringMatching(message),
      retryable: true,
    });
  });

  it.each([
    ["circular", /^Error: Unable to stringify response body: Converting circular structure/],
    ["bigInt", /^Error: Unable to stringify response body: Do not know how to serialize a BigInt/],
    ["tooLarge", /^Function\.ResponseSizeTooLarge: .*\(6291556 bytes\)\.\nThe function has run/],
  ])("that has run, but answers %s, is not called again", async (handler, message) => {
    expect(await failureOf(`./functions.mjs:${handler}`)).toEqual({
      kind: "failed",
      code: "LAMBDA_ANSWER_INVALID",
      message: expect.stringMatching(message),
      retryable: false,
    });
  });

  it.each([
    ["./nowhere.ts", /^Runtime\.ImportModuleError: Cannot find module '.*nowhere\.ts'/],
    ["./bad-import.mjs", /^Runtime\.ImportModuleError: Cannot find module '.*nowhere\.mjs'/],
  ])("that cannot be loaded says why: %s", async (file, message) => {
    expect((await failureOf(file)).message).toMatch(message);
  });

  it("that is no JavaScript says so", async () => {
    const folder = mkdtempSync(join(tmpdir(), "functions-"));
    writeFileSync(join(folder, "f.mjs"), "export const handler = () => { return 1 +; };");

    const { message } = await failureOf(join(folder, "f.mjs"));

    expect(message).toMatch(/^Runtime\.UserCodeSyntaxError: Unexpected token ';' \(in .*f\.mjs or what it imports\)\n/);
  });

  it("that wants more memory than it has is its own end only", async () => {
    const { code, message } = await failureOf({ file: "./functions.mjs:eats", memoryMb: 32 });

    expect(code).toBe("LAMBDA_FUNCTION_ERROR");
    expect(message).toMatch(/^Runtime\.ExitError: .*signal: aborted\n/);
    expect(message).toContain("heap out of memory");
  });

  it.each(["loops", "waits"])("that %s ends at its timeout, in Lambda's words", async (handler) => {
    expect(await failureOf({ file: `./functions.mjs:${handler}`, timeout: "1s" })).toEqual({
      kind: "failed",
      code: "LAMBDA_TIMED_OUT",
      message: [
        `Sandbox.Timedout: RequestId: ${id} Error: Task timed out after 1.00 seconds.`,
        "Raise the function's timeout (15 minutes at most) or split its work.",
      ].join("\n"),
      retryable: false,
    });
  });

  it.each(["loops", "waits"])("that %s is killed by a cancel", async (handler) => {
    const controller = new AbortController();
    setTimeout(() => controller.abort("cancel"), 300);

    const step = await start(anExecutor(`./functions.mjs:${handler}`), aContext({ signal: controller.signal }), {
      name: "f",
    });

    expect(step).toEqual({
      kind: "failed",
      code: "LAMBDA_CANCELLED",
      message: 'The local function "f" was killed.',
      retryable: false,
    });
  });

  it("that was killed because its starter had ended may be tried again", async () => {
    // The first few are started without the small process.
    while (programStarter.helperPid() === undefined) await call("./common.cjs");
    const kill = () => void process.kill(programStarter.helperPid() ?? 0, "SIGKILL");
    const ctx = { ...aContext(), report: kill };

    expect(await start(anExecutor("./functions.mjs:saysAndWaits"), ctx, { name: "f" })).toEqual({
      kind: "failed",
      code: "LAMBDA_UNAVAILABLE",
      message:
        'The local function "f" was killed, because the process that starts programs had ended. The system may lack memory.',
      retryable: true,
    });
    expect((await call("./common.cjs")).step).toEqual({ kind: "succeeded", outputs: { cjs: "pr-12" } });
  });

  it("leaves no process behind", async () => {
    const { step } = await call("./functions.mjs:leavesChild");

    const pid = step.kind === "succeeded" ? Number(Object(step.outputs).pid) : 0;
    expect(pid).toBeGreaterThan(0);
    await expect.poll(() => isAlive(pid)).toBe(false);
  });

  it("that talks without end is cut in the middle", async () => {
    const { lines } = await call("./functions.mjs:talks");

    expect(lines).toHaveLength(2_021);
    expect(lines.slice(-2)).toEqual(["line 2999", "line 3000"]);
  });
});

describe.skipIf(!python)("a local Python function (skipped without python3)", () => {
  it("gets event and context, and its output is reported", async () => {
    const { step, lines } = await call("./fn.py");

    expect(step).toEqual({ kind: "succeeded", outputs: { stack: "pr-12", left: true, id } });
    expect(lines).toEqual(["hello from f"]);
  });

  it("fails with Lambda's trace, from its own file on", async () => {
    const { message } = await failureOf("./fn.py:throws");

    expect(message).toBe(
      `KeyError: 'db'\n  File "${join(projectDir, "fn.py")}", line 11, in throws\n    return event["db"]\n           ~~~~~^^^^^^`.slice(
        0,
        message.length,
      ),
    );
    expect(message).toContain('return event["db"]');
  });

  it.each([
    ["./fn.py:exits", /^Runtime\.ExitError: .*exit status 3$/],
    ["./fn.py:notThere", /^Runtime\.HandlerNotFound: Handler 'notThere' missing on module 'fn'$/],
    ["./bad_syntax.py", /^Runtime\.UserCodeSyntaxError: Syntax error in module 'bad_syntax': /],
    [
      "./bad_import.py",
      /^Runtime\.ImportModuleError: Unable to import module 'bad_import': No module named 'nowhere_at_all'/,
    ],
    ["./nowhere.py", /^Runtime\.ImportModuleError: Unable to import module 'nowhere': /],
  ])("says what is wrong: %s", async (file, message) => {
    const failure = await failureOf(file);

    expect(failure).toMatchObject({ code: "LAMBDA_FUNCTION_ERROR", message: expect.stringMatching(message) });
  });

  it("is not called again when it has run, and its answer is not JSON", async () => {
    const text = "Runtime.MarshalError: Unable to marshal response: Object of type set is not JSON serializable.";

    expect(await failureOf("./fn.py:marshals")).toMatchObject({
      code: "LAMBDA_ANSWER_INVALID",
      message: expect.stringContaining(text),
      retryable: false,
    });
  });

  it("ends at its timeout", async () => {
    expect((await failureOf({ file: "./fn.py:waits", timeout: "1s" })).code).toBe("LAMBDA_TIMED_OUT");
  });
});

describe("a local command", () => {
  const program = (kind: string) => ({ command: [process.execPath, "program.mjs", kind] });

  it("reads the event and answers with JSON", async () => {
    const { step, lines } = await call(program("answer"));

    expect(step).toEqual({ kind: "succeeded", outputs: { stack: "pr-12", name: "f" } });
    expect(lines).toEqual(["about to answer"]);
  });

  it("may answer nothing", async () => {
    expect((await call(program("stay silent"))).step).toEqual({ kind: "succeeded", outputs: {} });
  });

  it.each([
    ["fail", /^Runtime\.ExitError: .*exit status 4\nabout to fail$/],
    ["tell", /^MyError: as I say\nline 1$/],
    ["chat", /^Runtime\.InvalidResponse: Standard output is not JSON\..*\nthis is no JSON$/],
  ])("that has to %s is a function error", async (kind, message) => {
    const failure = await failureOf(program(kind));

    expect(failure).toMatchObject({ code: "LAMBDA_FUNCTION_ERROR", message: expect.stringMatching(message) });
  });

  it("that is not there is a function error", async () => {
    expect((await failureOf({ command: ["no-such-program"] })).message).toBe(
      `Runtime.InvalidEntrypoint: RequestId: ${id} Error: fork/exec no-such-program: no such file or directory`,
    );
  });
});

/** A killed process without a parent stays as a zombie if no process collects it, as in a container. */
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

describe("the program of a local function", () => {
  const context = {
    functionName: "f",
    functionVersion: "$LATEST",
    invokedFunctionArn: "arn:aws:lambda:local:000000000000:function:f",
    memoryLimitInMB: "512",
    awsRequestId: id,
    logGroupName: "/aws/lambda/f",
    logStreamName: "local",
  };
  const runtimes = [
    { program: process.execPath, bootstrap: "node-bootstrap.ts", file: "functions.mjs" },
    ...(python ? [{ program: "python3", bootstrap: "../runtime/bootstrap.py", file: "fn.py" }] : []),
  ];

  it.each(runtimes)("$bootstrap ends when its runner is gone", async ({ program, bootstrap, file }) => {
    const child = spawn(program, [join(import.meta.dirname, bootstrap), join(projectDir, file), "waits"], {
      stdio: ["pipe", "ignore", "ignore", "pipe"],
    });
    const exited = new Promise((resolve) => child.once("exit", resolve));
    child.stdin?.write(`${JSON.stringify({ event: {}, context, timeoutMs: 60_000 })}\n`);

    setTimeout(() => child.stdin?.end(), 300);

    expect(await exited).toBe(1);
  });
});
