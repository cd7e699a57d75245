import { fork } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { liveAndDie } from "./live-and-die.ts";

const LIMIT_MS = 60_000;

function aProcess(...args: readonly string[]) {
  return fork(join(import.meta.dirname, "mortal-process.ts"), [...args], {
    execArgv: ["--disable-warning=ExperimentalWarning"],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
}

describe("liveAndDie", () => {
  it("recognizes a process that has done its work, and how long it took to start", async () => {
    const ending = await liveAndDie(aProcess("0", "opening", "ready", "done"), { limitMs: LIMIT_MS });

    expect(ending).toMatchObject({ kind: "done", startMs: expect.any(Number) });
  });

  it.each(["opening", "ready"] as const)("kills one that has come to %s", async (after) => {
    const ending = await liveAndDie(aProcess("on", after), { death: { after, ms: 1 }, limitMs: LIMIT_MS });

    expect(ending).toEqual({ kind: "killed", how: "SIGKILL" });
  });

  it("calls no end of its own a kill, whatever its code, and keeps its last words", async () => {
    const death = { after: "done", ms: LIMIT_MS } as const;
    const endings = await Promise.all(
      ["0", "3"].map((code) => liveAndDie(aProcess(code, "opening"), { death, limitMs: LIMIT_MS })),
    );

    expect(endings).toEqual([
      { kind: "own", how: "code 0 It had enough." },
      { kind: "own", how: "code 3 It had enough." },
    ]);
  });

  it("does not take the work of one for done that fails at its end", async () => {
    expect(await liveAndDie(aProcess("1", "done"), { limitMs: LIMIT_MS })).toMatchObject({ kind: "own" });
  });

  it("ends one that lives when the time of the test is over", async () => {
    expect(await liveAndDie(aProcess("on", "ready"), { limitMs: 1 })).toMatchObject({ kind: "over" });
  });
});
