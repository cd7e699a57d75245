import { spawn } from "node:child_process";
import { once } from "node:events";
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

    const below = await listDescendants(child.pid ?? 0);
    await killTree(child.pid ?? 0);

    expect(below.map(({ name }) => name)).toEqual(["sleep"]);
    expect((await ended)[1]).toBe("SIGKILL");
    await expect.poll(async () => (await listDescendants(process.pid)).map(({ name }) => name)).not.toContain("sleep");
  });
});
