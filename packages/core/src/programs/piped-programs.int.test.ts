import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { createProgramStarter, type PipedInput, type PipedProgram, type ProgramStarter } from "./program-starter.ts";
import { findProcess, isAlive } from "./testing/find-process.ts";
import { untilHelped } from "./testing/until-helped.ts";

let folder: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "programs-")));
});
afterEach(() => rmSync(folder, { recursive: true }));

const toInput = (script: string, more: Partial<PipedInput> = {}): PipedInput => ({
  binary: "/bin/sh",
  arguments: ["-c", script],
  cwd: folder,
  environment: { PATH: "/usr/bin:/bin", GIVEN: "given", UNSET: undefined },
  stdin: "",
  holdStdin: false,
  ...more,
});
const read = (name: string) => readFileSync(join(folder, name), "utf8");

function aStarter(few: number): ProgramStarter {
  const starter = createProgramStarter({ few });
  onTestFinished(() => {
    const pid = starter.helperPid();
    if (pid !== undefined) process.kill(pid, "SIGKILL");
  });
  return starter;
}

/** Reads everything that a program writes, until it has ended and all is read. */
async function readAll(program: PipedProgram) {
  const [out, err, result] = await Promise.all([text(program.stdout), text(program.stderr), text(program.result)]);
  return { out, err, result, end: await program.ended };
}

function resume(program: PipedProgram): void {
  for (const stream of [program.stdout, program.stderr, program.result]) stream.resume();
}

async function closed(stream: Readable): Promise<void> {
  if (!stream.closed) await once(stream, "close");
}

describe.each(["here", "by the small process"])("a program that is started %s and read", (place) => {
  let starter: ProgramStarter;

  beforeEach(async () => {
    starter = aStarter(place === "here" ? 1_000 : 0);
    await untilHelped(place === "here" ? { ...starter, helperPid: () => 1 } : starter, folder);
  });

  it("has its folder, its environment, its input and its outputs, and leads a group", async () => {
    const script = 'cat; pwd; echo "$GIVEN" "<$UNSET>"; ps -o pgid= -p $$; echo oh >&2; echo yes >&3; exit 3';
    const program = await starter.startPiped(toInput(script, { stdin: "größe\n" }));

    const { out, ...rest } = await readAll(program);
    expect(out.split(/\s+/)).toEqual(["größe", folder, "given", "<>", String(program.pid), ""]);
    expect(rest).toEqual({ err: "oh\n", result: "yes\n", end: { code: 3, signal: null } });
  });

  it("finds the same variables in its environment", async () => {
    const { out } = await readAll(
      await starter.startPiped(toInput("tr '\\0' '\\n' </proc/$$/environ | cut -d= -f1 | sort")),
    );

    expect(out.trim().split("\n")).toEqual(["GIVEN", "PATH", "STACKYARD_PROGRAM"]);
  });

  it("that a signal has ended says which", async () => {
    const program = await starter.startPiped(toInput("kill -9 $$"));
    resume(program);

    expect(await program.ended).toEqual({ code: null, signal: "SIGKILL" });
  });

  it("may write any bytes", async () => {
    const program = await starter.startPiped(toInput("head -c 1000000 /dev/urandom | tee bytes"));
    const bytes = await buffer(program.stdout);

    expect(toDigest(bytes)).toBe(toDigest(readFileSync(join(folder, "bytes"))));
  });

  it.each([
    ["a missing program", "ENOENT", { binary: "/none" }],
    ["a folder that is gone", "ENOENT", { cwd: "/none" }],
    ["a file that is not a program", "EACCES", { binary: "/etc/passwd" }],
    ["arguments that the system refuses", "E2BIG", { arguments: ["-c", "x".repeat(4_000_000)] }],
    ["a name that no file can have", "ERR_INVALID_ARG_VALUE", { binary: "a\0b" }],
  ])("fails by its code for %s", async (_, code, more) => {
    await expect(starter.startPiped(toInput("true", more))).rejects.toMatchObject({ code });
    const next = await starter.startPiped(toInput("exit 4"));
    resume(next);
    expect((await next.ended).code).toBe(4);
  });

  it("waits while it is not read, and nothing of 50 MB is lost (UKGovernmentBEIS/inspect_ai#3438, oven-sh/bun#30572)", async () => {
    const script =
      "i=0; while [ $i -lt 100 ]; do i=$((i+1)); head -c 524288 /dev/zero; echo $i >number; mv number written; done";
    const program = await starter.startPiped(toInput(script));
    program.stdout.on("data", () => {}).pause();
    // It writes until it must wait.
    const countWritten = () => (readdirSync(folder).includes("written") ? Number(read("written")) : 0);
    for (let before = -1; before !== countWritten(); await delay(500)) before = countWritten();
    // Of 100.
    expect(countWritten()).toBeLessThan(5);

    let bytes = 0;
    program.stdout.on("data", (piece: Buffer) => {
      bytes += piece.length;
    });
    program.stdout.resume();
    await closed(program.stdout);

    expect(bytes).toBe(100 * 524_288);
    expect(await program.ended).toEqual({ code: 0, signal: null });
  });

  it("that ends at once leaves its whole output (fhunleth/muontrap#104, nodejs/node#19218, nodejs/node#36268)", async () => {
    const sizes = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const { out, result } = await readAll(
          await starter.startPiped(toInput("head -c 66890 /dev/zero; head -c 588895 /dev/zero >&3")),
        );
        return [out.length, result.length];
      }),
    );

    expect(new Set(sizes.map(String))).toEqual(new Set(["66890,588895"]));
  });

  it("may write much to one output before anything to another (pypa/pipenv#6472, dagster-io/dagster#6435)", async () => {
    const script = "head -c 3000000 /dev/zero >&2; echo first; head -c 3000000 /dev/zero >&2; echo second >&3";
    const { out, err, result } = await readAll(await starter.startPiped(toInput(script)));

    expect([out, err.length, result]).toEqual(["first\n", 6_000_000, "second\n"]);
  });

  it("may close its output early", async () => {
    const program = await starter.startPiped(
      toInput("exec >&-; read line; echo $line >&2; exit 5", { stdin: "later\n" }),
    );
    const out = await text(program.stdout);
    const err = await text(program.stderr);

    expect([out, err, await program.ended]).toEqual(["", "later\n", { code: 5, signal: null }]);
  });

  it("may end without reading its input (nodejs/node#40085, sindresorhus/execa#74)", async () => {
    const program = await starter.startPiped(toInput("exit 6", { stdin: "x".repeat(10_000_000) }));
    resume(program);

    expect(await program.ended).toEqual({ code: 6, signal: null });
  });

  it("receives the end of its input only if it is not held", async () => {
    const held = await starter.startPiped(toInput("read line; echo $line; cat", { stdin: "first\n", holdStdin: true }));
    const ended = await readAll(await starter.startPiped(toInput("cat; echo over", { stdin: "first\n" })));
    const [piece] = await once(held.stdout, "data");
    resume(held);

    expect([String(piece), ended.out]).toEqual(["first\n", "first\nover\n"]);
    expect(isAlive(held.pid)).toBe(true);
    held.kill();
    expect(await held.ended).toEqual({ code: null, signal: "SIGKILL" });
  });

  it("has ended though what it has started holds its output (buildkite/agent#2202, microsoft/azure-pipelines-task-lib#389)", async () => {
    const program = await starter.startPiped(toInput("sleep 60 & echo $! >child"));
    resume(program);
    expect(await program.ended).toEqual({ code: 0, signal: null });
    const child = Number(read("child"));
    expect([program.stdout.closed, isAlive(child)]).toEqual([false, true]);

    program.kill();
    await closed(program.stdout);

    await expect.poll(() => isAlive(child)).toBe(false);
  });

  it("is stopped by an output that is no longer wanted", async () => {
    const program = await starter.startPiped(toInput("yes"));
    await once(program.stdout, "data");
    for (const stream of [program.stdout, program.stderr, program.result]) stream.destroy();

    expect((await program.ended).code ?? (await program.ended).signal).toBeOneOf(["SIGPIPE", 141, 1]);
  });
});

function toDigest(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

describe("the small process", () => {
  const script = fileURLToPath(new URL("testing/starting-runner.ts", import.meta.url));
  const startRunner = async (...words: readonly string[]) => {
    const runner = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", script, folder, ...words], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = await once(runner.stdout, "data");
    const [helper = 0, program = 0] = String(line).split(" ").map(Number);
    return { runner, helper, program };
  };
  const countOpen = (pid: number) => readdirSync(`/proc/${pid}/fd`).length;

  it("ends with a runner that was killed, and so do programs that are read and what they have started (actions/runner#4601)", async () => {
    const { runner, helper, program } = await startRunner("piped");
    const child = Number(read("child"));
    expect([helper, program, child].map(isAlive)).toEqual([true, true, true]);

    runner.kill("SIGKILL");

    await expect.poll(() => [helper, program, child].map(isAlive)).toEqual([false, false, false]);
  });

  it("ends with a runner that was killed before it was ready (PrairieLearn/PrairieLearn#11985)", async () => {
    const dying = fileURLToPath(new URL("testing/dying-runner.ts", import.meta.url));
    const runner = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", dying], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const number = await text(runner.stdout);

    expect(Number(number)).toBeGreaterThan(1);
    await expect.poll(() => isAlive(Number(number))).toBe(false);
  });

  it("holds no process whose programs have ended", async () => {
    const { runner } = await startRunner("piped", "end");
    const [code] = await once(runner, "exit");

    expect(code).toBe(0);
  });

  it("that is killed while it starts programs leaves none that runs", async () => {
    const starter = aStarter(0);
    const helper = await untilHelped(starter, folder);
    // A program kills the small process at once, which may not have reported it.
    const script = `echo $$ >>pids; kill -9 ${helper}; sleep 60`;
    const started = await Promise.allSettled(Array.from({ length: 10 }, () => starter.startPiped(toInput(script))));
    for (const each of started) if (each.status === "fulfilled") resume(each.value);
    await Promise.all(started.map((each) => each.status === "fulfilled" && each.value.ended));

    await expect.poll(() => read("pids").trim().split("\n").map(Number).filter(isAlive)).toEqual([]);
  });

  it("that is killed has its programs killed, with what they have started, and another one follows", async () => {
    const starter = aStarter(0);
    const helper = await untilHelped(starter, folder);
    const program = await starter.startPiped(toInput("trap '' INT TERM; sleep 60 & echo $! >&2; echo begun; wait"));
    const [piece] = await once(program.stderr, "data");
    resume(program);

    process.kill(helper, "SIGKILL");

    expect(await program.ended).toEqual({ code: null, signal: "SIGKILL", lost: true });
    await closed(program.stdout);
    await expect.poll(() => [program.pid, Number(piece)].map(isAlive)).toEqual([false, false]);
    expect(await untilHelped(starter, folder)).not.toBe(helper);
    const next = await starter.startPiped(toInput("echo $PPID"));
    expect(Number((await readAll(next)).out)).toBe(starter.helperPid());
  });

  it("starts 200 at once, and keeps nothing of them (hashicorp/terraform#6248)", async () => {
    const starter = aStarter(0);
    const helper = await untilHelped(starter, folder);
    const before = countOpen(helper);

    const ends = await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        const program = await starter.startPiped(
          toInput(`cat; echo ${index} >&3; exit ${index % 7}`, { stdin: "x".repeat(index) }),
        );
        const { out, result, end } = await readAll(program);
        return [out.length, result, end.code];
      }),
    );

    expect(ends).toEqual(Array.from({ length: 200 }, (_, index) => [index, `${index}\n`, index % 7]));
    await expect.poll(() => countOpen(helper)).toBe(before);
    const numbers = readdirSync("/proc").map(Number).filter(Number.isInteger);
    expect(numbers.filter((pid) => findProcess(pid)?.parent === helper)).toEqual([]);
  });

  it("without free descriptors says so, and works again once there are (nodejs/node#32943)", async () => {
    const starter = aStarter(0);
    const helper = await untilHelped(starter, folder);
    execFileSync("prlimit", ["--pid", String(helper), `--nofile=${countOpen(helper) + 3}:4096`]);
    const failed = await starter.startPiped(toInput("true")).catch((error: unknown) => error);
    execFileSync("prlimit", ["--pid", String(helper), "--nofile=4096:4096"]);
    const program = await starter.startPiped(toInput("echo again"));

    expect(failed).toMatchObject({ code: "EMFILE" });
    expect((await readAll(program)).out).toBe("again\n");
    expect(starter.helperPid()).toBe(helper);
  });
});
