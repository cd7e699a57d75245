import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { createLineSink } from "./output-lines.ts";
import { createProgramStarter, type ProgramStarter } from "./program-starter.ts";
import { type RunProgramInput, runProgram } from "./run-program.ts";
import type { Ends } from "./testing/out-of-descriptors.ts";

const script = join(import.meta.dirname, "testing/out-of-descriptors.ts");

const toInput = (shell: string, more: Partial<RunProgramInput> = {}): RunProgramInput => ({
  command: ["/bin/sh", "-c", shell],
  cwd: import.meta.dirname,
  env: { PATH: "/usr/bin:/bin" },
  stdin: "",
  holdStdin: false,
  resultFd: 1,
  maxResultBytes: 1_000_000,
  timeoutMs: 60_000,
  signal: new AbortController().signal,
  onLine() {},
  ...more,
});

/** Returns a starter, and the number of its small process. */
async function aHelpedStarter() {
  const starter = createProgramStarter({ few: 0 });
  for (;;) {
    const helper = starter.helperPid();
    if (helper !== undefined) return { starter, helper };
    await runProgram(toInput("true"), starter);
    await delay(20);
  }
}

describe.each(["here", "by the small process"])("runProgram, started %s", (place) => {
  let starter: ProgramStarter;

  beforeEach(async () => {
    if (place === "here") {
      starter = createProgramStarter({ few: 1_000 });
      return;
    }
    const helped = await aHelpedStarter();
    starter = helped.starter;
    onTestFinished(() => void process.kill(helped.helper, "SIGKILL"));
  });

  it("takes 50 MB of output while the result is on its way, and shows its beginning and its end", async () => {
    const lines: string[] = [];
    const sink = createLineSink((line) => lines.push(line));
    // 1,000,000 lines of 49 characters.
    const text = "yes 'a line of output that is not the result, number' | head -c 50000000 >&2; printf result; exit 3";
    const end = await runProgram(toInput(text, { onLine: sink.line }), starter);
    sink.end();

    expect(end).toEqual({ kind: "ended", code: 3, signal: null, result: "result" });
    expect(lines).toHaveLength(2_021);
  });

  it("reads a result of its full size that was written just before the end (kaitranntt/ccs#1704)", async () => {
    const end = await runProgram(toInput("head -c 1000000 /dev/zero | tr '\\0' x"), starter);

    expect(end).toEqual({ kind: "ended", code: 0, signal: null, result: "x".repeat(1_000_000) });
  });

  it.each([
    ["too-large", "head -c 1000001 /dev/zero; sleep 60", {}],
    ["timed-out", "sleep 60", { timeoutMs: 200 }],
    ["cancelled", "sleep 60", { signal: AbortSignal.timeout(200) }],
  ] as const)("ends what is %s", async (kind, shell, more) => {
    expect(await runProgram(toInput(shell, more), starter)).toEqual({ kind });
  });

  it.each([
    ["ends by itself", "trap 'echo stopped >&2; exit 0' TERM; echo up >&2; sleep 60 & wait", ["up", "stopped"]],
    ["does not end", "trap '' TERM; echo up >&2; sleep 60", ["up"]],
  ])("signals the group of what is cancelled, and kills what %s", async (_, shell, shown) => {
    const lines: string[] = [];
    const cancel = new AbortController();
    const onLine = (line: string) => {
      lines.push(line);
      cancel.abort();
    };
    const stop = { signal: "SIGTERM", graceMs: 300 } as const;
    const end = await runProgram(toInput(shell, { onLine, signal: cancel.signal, stop }), starter);

    expect([lines, end]).toEqual([shown, { kind: "cancelled" }]);
  });

  it.runIf(process.getuid?.() === 0)("runs as a user", async () => {
    const user = { uid: 65_534, gid: 65_533 };
    const end = await runProgram(toInput("id -u; id -g; id -G", { user }), starter);

    expect(end).toEqual({ kind: "ended", code: 0, signal: null, result: "65534\n65533\n65533\n" });
  });

  it("joins characters that pieces cut (wonderwhy-er/DesktopCommanderMCP#628)", async () => {
    const lines: string[] = [];
    const shell =
      "for c in '\\342' '\\211' '\\244'; do printf $c >&2; sleep 0.1; done; printf '\\342'; sleep 0.1; printf '\\211\\244'";
    const end = await runProgram(toInput(shell, { onLine: (line) => lines.push(line) }), starter);

    expect([lines, end]).toEqual([["≤"], { kind: "ended", code: 0, signal: null, result: "≤" }]);
  });

  it("does not wait for what holds the output outside of the group (charmbracelet/crush#2653, docker/docker-agent#2462)", async () => {
    const folder = mkdtempSync(join(tmpdir(), "run-program-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const end = await runProgram(
      toInput(
        `setsid sh -c 'echo $$ >${folder}/pid; exec sleep 60' & while ! [ -s ${folder}/pid ]; do :; done; echo 1`,
      ),
      starter,
    );
    process.kill(Number(readFileSync(join(folder, "pid"), "utf8")), "SIGKILL");

    expect(end).toEqual({ kind: "ended", code: 0, signal: null, result: "1\n" });
  });

  it("does not wait for what writes without end outside of the group", async () => {
    const lines: string[] = [];
    const sink = createLineSink((line) => lines.push(line));
    const end = await runProgram(toInput("setsid yes >&2 & sleep 0.2; echo 1", { onLine: sink.line }), starter);

    expect(end).toEqual({ kind: "ended", code: 0, signal: null, result: "1\n" });
  });
});

describe("runProgram", () => {
  it("reports that a program was not started when no file descriptors are left, and works again once there are", () => {
    const { stdout, stderr, status } = spawnSync(
      "sh",
      ["-c", 'ulimit -n 64 && exec "$0" --disable-warning=ExperimentalWarning "$1"', process.execPath, script],
      { encoding: "utf8" },
    );

    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const printed: Ends = JSON.parse(stdout);
    expect(printed).toEqual({ ends: Array.from({ length: 6 }, () => "EMFILE"), after: "done" });
  });

  it("says that a program was lost whose starter was killed, although it had written", async () => {
    const { starter, helper } = await aHelpedStarter();
    const end = await runProgram(
      toInput("echo begun >&2; printf half >&3; sleep 60", {
        resultFd: 3,
        onLine: () => process.kill(helper, "SIGKILL"),
      }),
      starter,
    );

    expect(end).toEqual({ kind: "lost" });
  });
});
