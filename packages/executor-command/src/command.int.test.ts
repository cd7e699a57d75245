import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { createSealer, SEALER } from "@stackyard/core/services";
import type { TestExecutorContext } from "@stackyard/core/testing";
import { afterEach, describe, expect, it } from "vitest";
import { begunCommands } from "./attempt-record.ts";
import { createCommandExecutor } from "./command.ts";
import { ALLOW_ALL, type CommandConfig } from "./definition.ts";
import { toTaskId } from "./environment.ts";
import { aContext, aProject, PROGRAMS, type TestProject } from "./testing/a-project.ts";

const endings: (() => void)[] = [];
afterEach(() => {
  for (const end of endings.splice(0)) end();
});

function project(programs: Readonly<Record<string, string>> = {}): TestProject {
  const made = aProject(programs);
  endings.push(made.remove);
  return made;
}

const sh = (text: string, more: Partial<CommandConfig> = {}): CommandConfig => ({ run: text, shell: true, ...more });

describe("a program", () => {
  it("gets its arguments as they are (heggria/taskflow#4), its folder, input and environment, and nothing of the worker's", async () => {
    const { folder, start } = project({
      "tools/show.sh": '#!/bin/sh\necho "$1"; pwd; cat; echo "$GREETING $SECRET"; test "$SECRET" || echo "none"\n',
    });
    const ctx = aContext();

    const step = await start(
      { run: ["./show.sh", "$HOME; exit 1"], folder: "tools", stdin: "in\n", environment: { GREETING: "hello" } },
      { ctx },
    );

    expect(step).toEqual({ kind: "succeeded", outputs: {} });
    expect(ctx.reports).toEqual(["$HOME; exit 1", `${folder}/tools`, "in", "hello", "none"]);
  });

  it("knows its task, which has the same id in each attempt, and the metadata", async () => {
    const { start } = project();
    const text =
      'echo "$STACKYARD_TASK_ID $STACKYARD_STACK $STACKYARD_MACHINE $STACKYARD_TASK $STACKYARD_STATE $STACKYARD_ATTEMPT"; cat "$STACKYARD_METADATA"';
    const first = aContext({ metadata: { sha: "9f1c" } });
    const second = aContext({ attempt: { id: "s1/created/1/work/2", number: 2, token: 1 }, idempotencyKey: "2" });

    await start(sh(text), { ctx: first });
    await start(sh(text), { ctx: second });

    const [[firstId, ...named], [secondId]] = [first, second].map(({ reports }) => reports[0]?.split(" ") ?? []) as [
      string[],
      string[],
    ];
    expect(firstId).toMatch(/^[0-9a-f]{32}$/);
    expect(secondId).toBe(firstId);
    expect(named).toEqual(["s1", "web", "work", "UP", "1"]);
    expect(JSON.parse(first.reports[1] ?? "")).toMatchObject({ stackId: "s1", attempt: 1, metadata: { sha: "9f1c" } });
  });

  it("has the credentials of the target, and none of the worker", async () => {
    const { start } = project();
    const target = { account: "111122223333", region: "eu-central-1", partition: "aws" };
    const ctx = aContext({
      target,
      credentials: async () => ({ accessKeyId: "AKIAOFTARGET", secretAccessKey: "secret-of-target" }),
    });

    await start(sh('echo "$AWS_REGION"; echo "$AWS_ACCESS_KEY_ID" | cut -c1-6; echo "$AWS_SECRET_ACCESS_KEY"'), {
      ctx,
    });

    expect(ctx.reports).toEqual(["eu-central-1", "AKIAOF", "***"]);
  });
});

describe("the end of a program", () => {
  it.each([
    ["exit 1", {}, "COMMAND_FAILED", false],
    ["exit 75", {}, "COMMAND_FAILED", true],
    ["exit 3", { retryable: [3] }, "COMMAND_FAILED", true],
    ["kill -9 $$", {}, "COMMAND_KILLED", false],
    ["kill -9 $$", { repeatable: true }, "COMMAND_KILLED", true],
    ["sleep 60", { timeout: "200ms", grace: "100ms" }, "COMMAND_TIMED_OUT", false],
  ] as const)("%s with %j is %s, retryable: %s", async (text, more, code, retryable) => {
    const step = await project().start(
      sh(text, { ...more, retryable: "retryable" in more ? [...more.retryable] : [75] }),
    );

    expect(step).toMatchObject({ kind: "failed", code, retryable });
  });

  it("is a success for a code of success", async () => {
    expect(await project().start(sh("exit 2", { success: [0, 2] }))).toEqual({ kind: "succeeded", outputs: {} });
  });

  it("shows the last lines in a failure, without secrets", async () => {
    const ctx = aContext({ secrets: ["s3cr3t-value"] });
    const step = await project().start(sh("echo login s3cr3t-value >&2; echo refused >&2; exit 1"), { ctx });

    expect(step).toMatchObject({ message: "The text for the shell ended with exit code 1.\nlogin ***\nrefused" });
    expect(ctx.reports).toEqual(["login ***", "refused"]);
  });

  it("ends what it has left behind in its group (actions/runner#4601)", async () => {
    const { start, read } = project();
    await start(sh("sleep 60 & echo $! > pid"));

    const pid = Number(read("pid"));
    for (let tries = 0; tries < 50 && isWorking(pid); tries += 1) await delay(20);
    expect(isWorking(pid)).toBe(false);
  });

  it.each([
    ["./none", "COMMAND_NOT_FOUND"],
    ["no-such-program", "COMMAND_NOT_FOUND"],
  ])("%s is %s", async (program, code) => {
    expect(await project().start({ run: [program] })).toMatchObject({ code, retryable: false });
  });

  it("refuses what the system cannot pass on", async () => {
    expect(await project().start({ run: ["true", "a\0b"] })).toMatchObject({ code: "COMMAND_INVALID" });
    expect(await project().start(sh("true", { folder: "../.." }))).toMatchObject({ code: "COMMAND_INVALID" });
    expect(await project().start(sh("true", { folder: "none" }))).toMatchObject({ code: "COMMAND_NOT_FOUND" });
  });
});

describe("the outputs of a program", () => {
  it("have their types, and are masked in the log from when they are written", async () => {
    const ctx = aContext();
    const text = `printf 'replicas=3\\nready=true\\npassword=hunter2-hunter2\\nnote<<END\\na\\nb\\nEND\\n' > "$STACKYARD_OUTPUTS"; echo the password is hunter2-hunter2`;
    const step = await project().start(
      sh(text, {
        outputs: { replicas: { type: "number" }, ready: { type: "boolean" }, password: { sensitive: true } },
      }),
      { ctx },
    );

    expect(step).toEqual({
      kind: "succeeded",
      outputs: { replicas: 3, ready: true, password: "hunter2-hunter2", note: "a\nb" },
      sensitive: ["password"],
    });
    expect(ctx.reports).toEqual(["the password is ***"]);
  });

  it.each([
    [
      "a text of several lines, given as one",
      'payload={\\n  "a": 1\\n}\\n',
      "Line 2 of the outputs is not NAME=VALUE.",
    ],
    ["no line that ends a text", "note<<END\\nvalueEND\\n", 'The output "note" has no line "END" that ends it.'],
    ["a number that is none", "replicas=three\\n", 'The output "replicas" is not a number.'],
    ["more than a stack keeps", "big=$(printf '%070000d' 0)\\n", "The file of outputs has more than 61440 bytes."],
  ])(
    "with %s fail the task (rsotnychenko/deployment-status-update#8, heroku/libcnb.rs#692)",
    async (_, text, message) => {
      const step = await project().start(
        sh(`printf "${text.replaceAll('"', '\\"')}" > "$STACKYARD_OUTPUTS"`, {
          outputs: { replicas: { type: "number", optional: true } },
        }),
      );

      expect(step).toMatchObject({ code: "COMMAND_OUTPUTS_INVALID", message, retryable: false });
    },
  );

  it("may contain signs of equality, and keep the types of JSON (xbmc/inputstream.adaptive#1486)", async () => {
    const { start } = project();
    const lines = await start(sh("echo 'query=a=b&c=d' > $STACKYARD_OUTPUTS"));
    const json = await start(
      sh(`echo '{ "n": 7, "on": false, "none": null, "zones": ["a", "b"] }' > $STACKYARD_OUTPUTS`),
    );

    expect(lines).toMatchObject({ outputs: { query: "a=b&c=d" } });
    expect(json).toMatchObject({ outputs: { n: 7, on: false, none: null, zones: '["a","b"]' } });
  });

  it("are not shown by lines after they were written, also in pieces (actions/runner#475)", async () => {
    const ctx = aContext();
    const text = `echo token=abcdefgh-ijklmnop > "$STACKYARD_OUTPUTS"; echo abcdefgh-ijklmnop; base64 "$STACKYARD_OUTPUTS"; exit 1`;
    const step = await project().start(sh(text, { outputs: { token: { sensitive: true } } }), { ctx });

    expect(JSON.stringify([step, ctx.reports[0]])).not.toContain("abcdefgh");
  });

  it("that are missing fail the task", async () => {
    const step = await project().start(sh("true", { outputs: { url: {} } }));

    expect(step).toMatchObject({
      code: "COMMAND_OUTPUTS_INVALID",
      message: 'The program did not write "url" to its outputs.',
    });
  });
});

describe("a second start of an attempt", () => {
  const text = "echo ran >> runs; echo url=http://x > $STACKYARD_OUTPUTS";

  it("returns the result of the first", async () => {
    const { start, read } = project();
    const ctx = aContext();
    const first = await start(sh(text), { ctx });
    const again = await start(sh(text), { ctx: { ...ctx, attempt: { ...ctx.attempt, token: 2 } } });

    expect(again).toEqual(first);
    expect(read("runs")).toBe("ran\n");
  });

  it("seals the result, or does not keep one that is sensitive", async () => {
    const outputs = { url: { sensitive: true } };
    const { start } = project();
    const plain = aContext();
    const sealer = createSealer([Buffer.alloc(32, 7)]);
    const sealed = {
      ...aContext(),
      service: <S>({ name }: { name: string }) => (name === SEALER.name ? (sealer as S) : undefined),
    };
    for (const ctx of [plain, sealed]) await start(sh(text, { outputs }), { ctx });

    expect(await start(sh(text, { outputs }), { ctx: plain })).toMatchObject({
      code: "COMMAND_UNKNOWN",
      retryable: false,
    });
    expect(await start(sh(text, { outputs }), { ctx: sealed })).toMatchObject({
      kind: "succeeded",
      sensitive: ["url"],
    });
    const { items } = await sealed.records.list("", { limit: 10, now: 0 });
    expect(JSON.stringify(items)).not.toContain("http://x");
  });

  it.each([
    [false, 1, { kind: "failed", code: "COMMAND_UNKNOWN", retryable: false }],
    [true, 2, { kind: "succeeded" }],
  ])(
    "after its worker was lost; repeatable: %s (apache/dolphinscheduler#17162, jobrunr/jobrunr#586)",
    async (repeatable, runs, expected) => {
      const { start, read } = project();
      const ctx = aContext();
      const lost = new AbortController();
      const first = start(sh(`echo ran >> runs; sleep 60`, { repeatable, grace: "50ms" }), {
        ctx: { ...ctx, signal: lost.signal },
      });
      while (!hasFile(read)) await delay(20);
      lost.abort();
      await first;

      const step = await start(sh("echo ran >> runs", { repeatable }), {
        ctx: { ...ctx, attempt: { ...ctx.attempt, token: 2 } },
      });

      expect(step).toMatchObject(expected);
      expect(read("runs").split("\n").length - 1).toBe(runs);
    },
  );
});

describe("what a lost worker has left on this machine", () => {
  /** Starts a program of a task whose worker is gone. */
  async function leave(ctx: TestExecutorContext) {
    await begunCommands.add(ctx, ctx.idempotencyKey, { value: { token: 1 } });
    const env = { PATH: PROGRAMS, STACKYARD_TASK_ID: toTaskId(ctx) };
    const { pid = 0 } = spawn("sleep", ["60"], { env, detached: true, stdio: "ignore" });
    endings.push(() => isWorking(pid) && process.kill(pid, "SIGKILL"));
    return pid;
  }

  it.each([
    [true, false, "succeeded"],
    [false, true, "failed"],
  ])("repeatable: %s; it still works after the second start: %s", async (repeatable, works, kind) => {
    const ctx = aContext({ attempt: { id: "s1/created/1/left/1", number: 1, token: 2 } });
    const pid = await leave(ctx);

    const step = await project().start(sh("true", { repeatable }), { ctx });

    for (let tries = 0; tries < 50 && isWorking(pid) !== works; tries += 1) await delay(20);
    expect([step.kind, isWorking(pid)]).toEqual([kind, works]);
  });

  it("is ended by a cancel, and so is what it has begun elsewhere", async () => {
    const { folder, read } = project({ "undo.sh": "#!/bin/sh\necho undone > undone\n" });
    const ctx = aContext({ attempt: { id: "s1/created/1/gone/1", number: 1, token: 2 } });
    const pid = await leave(ctx);
    const executor = createCommandExecutor(ALLOW_ALL, { projectDir: folder, environment: { PATH: PROGRAMS } });

    const step = await executor.cancel?.(
      ctx,
      sh("true", { cancel: { run: ["./undo.sh"] } }) as never,
      undefined as never,
    );

    for (let tries = 0; tries < 50 && isWorking(pid); tries += 1) await delay(20);
    expect([step, isWorking(pid), read("undone")]).toMatchObject([{ code: "COMMAND_CANCELLED" }, false, "undone\n"]);
  });
});

it("a plan names the program, its folder and its arguments without secrets", async () => {
  const { folder } = project();
  const executor = createCommandExecutor(ALLOW_ALL, { projectDir: folder, environment: { PATH: "/usr/bin:/bin" } });
  const ctx = aContext({ secrets: ["s3cr3t-value"] });

  expect(await executor.plan?.(ctx, { run: ["./none", "s3cr3t-value"] } as never).catch(String)).toContain(
    "COMMAND_NOT_FOUND",
  );
  expect(await executor.plan?.(ctx, sh("deploy s3cr3t-value") as never)).toEqual({
    summary: `Would run /bin/sh -c deploy *** in ${folder}.`,
  });
});

describe("a cancel", () => {
  it("sends the signal, waits, and runs what ends the work elsewhere (StuartCameronCode/VapourBox#63)", async () => {
    const { start, read } = project({ "undo.sh": '#!/bin/sh\necho "undo $1 $GREETING"\n' });
    const cancel = new AbortController();
    const ctx = aContext({ signal: cancel.signal });
    const running = start(
      sh("trap 'echo got INT; exit 0' INT; echo > up; sleep 60 & wait", {
        cancel: { signal: "SIGINT", run: ["./undo.sh", "job-1"] },
        environment: { GREETING: "hello" },
      }),
      { ctx },
    );
    while (!hasFile(() => read("up"))) await delay(20);
    cancel.abort();

    expect(await running).toMatchObject({ code: "COMMAND_CANCELLED", retryable: false });
    expect(ctx.reports).toEqual(["got INT", "▸ cancel: ./undo.sh", "undo job-1 hello"]);
  });

  it("before the start starts nothing", async () => {
    const { start, read } = project();

    const step = await start(sh("echo ran > runs"), { ctx: aContext({ signal: AbortSignal.abort() }) });

    expect(step).toMatchObject({ code: "COMMAND_CANCELLED" });
    expect(hasFile(() => read("runs"))).toBe(false);
  });
});

describe("a yard that does not allow a program", () => {
  it.each([
    [{}, { run: ["true"] }],
    [{ allow: [{ program: "true", machines: ["shop-*"] }] }, { run: ["true"] }],
    [{ allow: [{ program: "*" }] }, { run: "true", shell: true }],
    [{ allow: [{ program: "true" }] }, { run: ["true"], cancel: { run: ["false"] } }],
    [{ allow: [{ program: "./tools/*" }] }, { run: ["./tools/../other"] }],
  ] as const)("with %j refuses %j", async (options, config) => {
    const step = await project().start(structuredClone(config) as never, {
      options: structuredClone(options) as never,
    });

    expect(step).toMatchObject({ code: "COMMAND_NOT_ALLOWED", retryable: false });
  });

  it.runIf(process.getuid?.() === 0)("and one that names a user runs it as this one", async () => {
    const ctx = aContext();
    const options = { allow: [{ shell: true, user: "nobody" }] };
    const step = await project().start(
      sh('id -un; cat "$STACKYARD_METADATA" > /dev/null && echo a=b > "$STACKYARD_OUTPUTS"', { folder: "." }),
      { options, ctx },
    );

    expect([ctx.reports, step]).toMatchObject([["nobody"], { kind: "succeeded", outputs: { a: "b" } }]);
  });
});

function isWorking(pid: number): boolean {
  try {
    // A zombie has ended; in a container without an init nobody waits for it.
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}

function hasFile(read: (name: string) => string): boolean {
  try {
    return read("runs") !== "";
  } catch {
    return false;
  }
}
