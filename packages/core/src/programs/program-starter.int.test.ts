import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { createProgramStarter, type FiledInput, type ProgramStarter } from "./program-starter.ts";
import { findProcess, isAlive } from "./testing/find-process.ts";
import { untilHelped } from "./testing/until-helped.ts";

let folder: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "programs-")));
});
afterEach(() => rmSync(folder, { recursive: true }));

const toInput = (script: string, more: Partial<FiledInput> = {}): FiledInput => ({
  binary: "/bin/sh",
  arguments: ["-c", script],
  cwd: folder,
  environment: { PATH: "/usr/bin:/bin", GIVEN: "given" },
  out: join(folder, "out"),
  err: join(folder, "err"),
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

describe.each(["here", "by the small process"])("a program that is started %s", (place) => {
  let starter: ProgramStarter;

  beforeEach(async () => {
    starter = aStarter(place === "here" ? 1_000 : 0);
    await untilHelped(place === "here" ? { ...starter, helperPid: () => 1 } : starter, folder);
  });

  it("has its folder, its environment and its files, and leads a group", async () => {
    const { pid, ended } = await starter.start(
      toInput('pwd; echo "$GIVEN $HOME"; ps -o pgid= -p $$; echo oh >&2; exit 3'),
    );

    expect(await ended).toEqual({ code: 3, signal: null });
    expect(read("out").split(/\s+/)).toEqual([folder, "given", String(pid), ""]);
    expect(read("err")).toBe("oh\n");
    expect(findProcess(pid)).toBeUndefined();
  });

  it("has the parent that it should have", async () => {
    const { ended } = await starter.start(toInput("echo $PPID"));
    await ended;

    expect(Number(read("out"))).toBe(place === "here" ? process.pid : starter.helperPid());
  });

  it("that a signal has ended says which", async () => {
    const { ended } = await starter.start(toInput("kill -9 $$"));

    expect(await ended).toEqual({ code: null, signal: "SIGKILL" });
  });

  it.each([
    ["a missing program", "ENOENT", { binary: "/none" }],
    ["a folder that is gone", "ENOENT", { cwd: "/none" }],
    ["a file that is not a program", "EACCES", { binary: "/etc/passwd" }],
    ["arguments that the system refuses", "E2BIG", { arguments: ["-c", "x".repeat(4_000_000)] }],
    ["files that cannot be written", "ENOENT", { out: "/none/out" }],
  ])("fails by its code for %s", async (_, code, more) => {
    await expect(starter.start(toInput("true", more))).rejects.toMatchObject({ code });
    const next = await starter.start(toInput("exit 4"));
    expect((await next.ended).code).toBe(4);
  });
});

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

  it("ends with a runner that was killed, and what it has started continues and is written (kinvolk/lokomotive#329)", async () => {
    const { runner, helper, program } = await startRunner();
    runner.kill("SIGKILL");
    await expect.poll(() => findProcess(helper)?.state ?? "Z").toBe("Z");

    // Its first thread ends before the others do, and its programs are handed on after the last.
    await expect.poll(() => findProcess(program)?.parent).not.toBe(helper);
    await expect.poll(() => [read("out"), read("err")]).toEqual(["begins\nsaved\n", "warned\n"]);
  });

  it("holds no process that has nothing else to do", async () => {
    const { runner } = await startRunner("end");
    const [code] = await once(runner, "exit");

    expect(code).toBe(0);
  });

  it("takes no signal that a terminal or a service manager sends to all (gruntwork-io/terragrunt#5170)", async () => {
    const starter = aStarter(0);
    const helper = await untilHelped(starter, folder);
    const { ended } = await starter.start(toInput("sleep 0.3; exit 5"));
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.kill(helper, signal);

    expect(await ended).toEqual({ code: 5, signal: null });
    expect(starter.helperPid()).toBe(helper);
  });

  it("that is killed has its programs interrupted, and another one follows (runatlantis/atlantis#5949)", async () => {
    const starter = aStarter(0);
    const helper = await untilHelped(starter, folder);
    const { ended } = await starter.start(
      toInput("trap 'echo interrupted; exit 1' INT; echo begun; while :; do sleep 0.05; done"),
    );
    await expect.poll(() => read("out")).toBe("begun\n");
    process.kill(helper, "SIGKILL");

    expect(await ended).toEqual({ code: null, signal: "SIGINT", lost: true });
    expect(read("out")).toBe("begun\ninterrupted\n");
    expect(await untilHelped(starter, folder)).not.toBe(helper);
  });

  it("that is killed while it starts programs leaves none that is not known", async () => {
    const starter = aStarter(0);
    const helper = await untilHelped(starter, folder);
    // A program kills the small process at once, which may not have reported it.
    const script = `echo $$ >>pids; kill -9 ${helper}; trap 'exit 1' INT; while :; do sleep 0.05; done`;
    const started = await Promise.allSettled(Array.from({ length: 10 }, () => starter.start(toInput(script))));
    await Promise.all(started.map((each) => each.status === "fulfilled" && each.value.ended));

    expect(read("pids").trim().split("\n").map(Number).filter(isAlive)).toEqual([]);
  });

  it("leaves no dead children (hashicorp/terraform#6248)", async () => {
    const starter = aStarter(0);
    const helper = await untilHelped(starter, folder);
    const started = await Promise.all(Array.from({ length: 20 }, () => starter.start(toInput("exit 0"))));
    await Promise.all(started.map(({ ended }) => ended));

    const numbers = readdirSync("/proc").map(Number).filter(Number.isInteger);
    expect(numbers.filter((pid) => findProcess(pid)?.parent === helper)).toEqual([]);
  });

  // A process is copied for each program that it starts: what that costs is measured by `npm run bench -- --environments`.
  it("is the parent of each program, so that this one is not copied (nodejs/node#14917, nodejs/node#25382)", async () => {
    const starter = aStarter(0);
    await untilHelped(starter, folder);

    for (let count = 0; count < 3; count++) {
      const { ended } = await starter.start(toInput("echo $PPID"));
      await ended;
    }

    const parents = readFileSync(join(folder, "out"), "utf8").trim().split("\n");
    expect(new Set(parents.map(Number))).toEqual(new Set([starter.helperPid()]));
  });

  it("leaves a program's answer of any size whole", async () => {
    const starter = aStarter(0);
    await untilHelped(starter, folder);
    const { ended } = await starter.start(toInput("head -c 20000000 /dev/zero"));
    await ended;

    expect(statSync(join(folder, "out")).size).toBe(20_000_000);
  });
});

it("a process that starts few programs has no other", async () => {
  const starter = aStarter(3);
  for (let count = 0; count < 3; count++) {
    await starter
      .start(toInput("true"))
      .then(({ ended }) => ended)
      .catch(() => undefined);
    await delay(50);
  }

  expect(starter.helperPid()).toBeUndefined();
});
