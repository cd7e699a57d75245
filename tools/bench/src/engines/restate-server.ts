import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findFreePort } from "@stackyard/postgres-server";
import type { EngineServer } from "./engine.ts";
import { toUrl } from "./restate.ts";

const VERSION = "1.7.12";
const START_LIMIT_MS = 60_000;
const END_LIMIT_MS = 10_000;
/** Its folder is written some time after the last job. */
const SETTLES_MS = 1_500;

/**
 * Starts a Restate server with an empty folder on loopback. Durable by its defaults: its log is synced to the disk.
 * `atATime`: invocations that it runs at once.
 */
export async function startRestate(atATime: number): Promise<EngineServer> {
  const program = findProgram();
  const folder = await mkdtemp(join(tmpdir(), "bench-restate-"));
  const [ingressPort, adminPort, nodePort, workerPort] = await Promise.all([0, 1, 2, 3].map(findFreePort));
  const env = {
    ...process.env,
    DO_NOT_TRACK: "1",
    RESTATE_BASE_DIR: folder,
    RESTATE_NODE_NAME: "bench",
    RESTATE_DISABLE_TELEMETRY: "true",
    RESTATE_LISTEN_MODE: "tcp",
    RESTATE_BIND_IP: "127.0.0.1",
    RESTATE_BIND_PORT: String(nodePort),
    RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingressPort}`,
    RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${adminPort}`,
    RESTATE_WORKER__INVOKER__CONCURRENT_INVOCATIONS_LIMIT: String(atATime),
    RESTATE_LOG_FILTER: "error",
  };
  const child = spawn(program, ["--no-logo"], { env, stdio: ["ignore", "ignore", "inherit"], cwd: folder });
  const ended = once(child, "exit");
  const [ingress, admin] = [`http://127.0.0.1:${ingressPort}`, `http://127.0.0.1:${adminPort}`];
  const stop = async () => {
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), END_LIMIT_MS);
    await ended;
    clearTimeout(late);
    await rm(folder, { recursive: true, force: true });
  };
  const serverPid = child.pid;
  if (serverPid === undefined || !(await answers([`${admin}/health`, `${ingress}/restate/health`]))) {
    await stop();
    throw new Error("Restate did not start.");
  }
  return {
    place: { url: toUrl({ ingress, admin, workerPort: workerPort ?? 0 }), serverPid },
    settle: () => sleep(SETTLES_MS),
    read: async () => ({ logBytes: readWrittenBytes(serverPid) }),
    stop,
  };
}

function findProgram(): string {
  const name = `@restatedev/restate-server-${process.platform}-${process.arch}`;
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
    return join(dirname(manifest), "bin", "restate-server");
  } catch {
    throw new Error(`Restate's server is not installed: npm install --no-save --include=peer ${name}@${VERSION}`);
  }
}

async function answers(urls: readonly string[]): Promise<boolean> {
  for (const limitAt = Date.now() + START_LIMIT_MS; Date.now() < limitAt; await sleep(100)) {
    const found = await Promise.all(
      urls.map((url) =>
        fetch(url).then(
          ({ ok }) => ok,
          () => false,
        ),
      ),
    );
    if (found.every(Boolean)) return true;
  }
  return false;
}

/** What the process has sent to the disk, by proc_pid_io(5). Its files are made large ahead, so their size says nothing. */
function readWrittenBytes(pid: number): number {
  const found = /^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, "utf8"));
  return Number(found?.[1]);
}
