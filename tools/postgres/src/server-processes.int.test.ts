import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { holdServerProcesses, signalAll, waitUntilEnded } from "./server-processes.ts";

/** Starts processes, of which some end at once, for some seconds. */
const SERVER = "i=0; while [ $i -lt 2000 ]; do true & sleep 60 & i=$((i+1)); done; wait";

it.runIf(process.platform === "linux")("knows all processes of a server that was starting others", async () => {
  const server = spawn("sh", ["-c", SERVER], { stdio: "ignore" });
  const exit = once(server, "exit");
  const pid = server.pid ?? 0;
  await expect.poll(() => listChildren(pid).length).toBeGreaterThan(5);

  const pids = holdServerProcesses(pid);
  await sleep(50);

  const later = [pid, ...listChildren(pid)];
  signalAll(pids, "SIGKILL");
  await Promise.all([exit, waitUntilEnded(pids)]);
  expect(pids).toEqual(later);
});

function listChildren(pid: number): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
}
