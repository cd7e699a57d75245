import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { startYardProcess } from "./cluster.ts";

/** The behavior of each process in order; the last one applies to all later ones. */
function aYardProcess(...incarnations: readonly (readonly string[])[]) {
  const starts: ReturnType<typeof fork>[] = [];
  const { promise: alive, resolve } = Promise.withResolvers<void>();
  const yardProcess = startYardProcess("engine 1", () => {
    const args = incarnations[Math.min(starts.length, incarnations.length - 1)] ?? [];
    const child = fork(join(import.meta.dirname, "mortal-process.ts"), [...args], {
      execArgv: ["--disable-warning=ExperimentalWarning"],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    starts.push(child);
    // The last one lives.
    if (starts.length === incarnations.length) child.once("message", () => resolve());
    return child;
  });
  onTestFinished(() => yardProcess.end());
  return { yardProcess, starts, alive };
}

it("records an unexpected exit after the process was ready, and starts it again", async () => {
  const { yardProcess, alive } = aYardProcess(["3", "ready"], ["on", "ready"]);

  await alive;

  expect(yardProcess.ownExits()).toEqual(["engine 1: code 3 It had enough."]);
});

it("lets a process end by itself before it is ready, since its database may not be there", async () => {
  const { yardProcess, alive } = aYardProcess(["1"], ["on", "ready"]);

  await alive;

  expect(yardProcess.ownExits()).toEqual([]);
});

it("takes no kill for an end of its own, and neither its end", async () => {
  const { yardProcess, starts } = aYardProcess(["on", "ready"]);
  await once(starts[0] ?? process, "message");

  await yardProcess.kill();
  await once(starts[1] ?? process, "message");
  await yardProcess.end();

  expect(yardProcess.ownExits()).toEqual([]);
  expect(starts).toHaveLength(2);
});
