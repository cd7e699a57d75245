import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { killTree, listDescendants, parseStat } from "./process-tree.ts";

describe("the processes below a process", () => {
  it("are read from a line of the kernel, whatever their name holds", () => {
    expect(parseStat("42 (a ) (b) S 7 41 41 0 -1 4194560")).toEqual({ pid: 42, parent: 7, group: 41, name: "a ) (b" });
    expect(parseStat("43 (MainThread) R 7 43 43 0 -1 4194560")?.name).toBe("node");
    expect(parseStat("")).toBeUndefined();
  });

  it("are found, and killed with it", async () => {
    const child = spawn("sh", ["-c", "sleep 60 & echo started; wait"], { stdio: ["ignore", "pipe", "ignore"] });
    await once(child.stdout, "data");
    const ended = once(child, "exit");

    const listNames = async () => (await listDescendants(child.pid ?? 0)).map(({ name }) => name);
    // Between its fork and its exec, the program has the name of the shell.
    await expect.poll(listNames).toEqual(["sleep"]);
    await killTree(child.pid ?? 0);

    expect((await ended)[1]).toBe("SIGKILL");
    await expect.poll(async () => (await listDescendants(process.pid)).map(({ name }) => name)).not.toContain("sleep");
  });

  it.skipIf(process.platform !== "linux")("are killed too when they are started at that very moment", async () => {
    const mark = `60.${process.pid}`;
    // Each in a group of its own, as a task's program is: the group of the one that starts them does not reach them.
    const starts = `
      const { spawn } = require("node:child_process");
      setInterval(() => {
        spawn("sleep", ["${mark}"], { detached: true, stdio: "ignore" }).once("spawn", () => console.log("started"));
      }, 1);`;
    const child = spawn(process.execPath, ["-e", starts], { stdio: ["ignore", "pipe", "ignore"] });
    await once(child.stdout, "data");
    const ended = once(child, "exit");

    const below = await killTree(child.pid ?? 0);

    await ended;
    expect(below.map(({ name }) => name)).toContain("sleep");
    await expect.poll(() => countRunning(mark)).toBe(0);
  });
});

/** Programs that were started with this word. What was killed and not collected yet has no words any more. */
async function countRunning(word: string): Promise<number> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const words = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  return words.filter((each) => each.split("\0").slice(1).includes(word)).length;
}
