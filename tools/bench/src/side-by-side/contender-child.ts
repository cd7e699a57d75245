import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { BenchPostgres } from "./bench-postgres.ts";
import type { Contender, Measured } from "./contender.ts";
import type { ContenderCalls } from "./contender-calls.ts";
import { createCaller } from "./process-calls.ts";

/** A process of a contender, as its parent sees it. */
export interface ContenderChild {
  readonly call: ReturnType<typeof createCaller<ContenderCalls>>;
  /** Ends it in order. */
  end(): Promise<void>;
}

const PROGRAM = fileURLToPath(new URL("../contender-process.ts", import.meta.url));
const END_LIMIT_MS = 10_000;

/** Where a contender works: its database or its server. */
export interface Place {
  readonly url: string;
  /** Of the server, whose CPU time is counted. */
  readonly serverPid: number;
}

/** Starts a process of a contender. `nodeFlags`: more than its own, such as `--cpu-prof`. */
export function startContenderChild(
  contender: Measured,
  { url, serverPid }: Place,
  nodeFlags: readonly string[] = [],
): ContenderChild {
  const args = [contender.id, url, String(serverPid)];
  const child = fork(PROGRAM, args, {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    execArgv: ["--no-deprecation", ...(contender.nodeFlags ?? []), ...nodeFlags],
  });
  const ended = once(child, "exit");
  const call = createCaller<ContenderCalls>(child);
  let ending: Promise<void> | undefined;
  async function end(): Promise<void> {
    const late = setTimeout(() => child.kill("SIGKILL"), END_LIMIT_MS);
    // One that has died already needs no farewell.
    await call("close", undefined).catch(() => undefined);
    if (child.connected) child.disconnect();
    await ended;
    clearTimeout(late);
  }
  return {
    call,
    end() {
      ending ??= end();
      return ending;
    },
  };
}

/** The processes of a contender. */
export interface Processes {
  readonly worker: ContenderChild;
  /** Adds jobs; the worker does it itself if no other process can. */
  readonly adder: ContenderChild;
}

/** Runs both processes of a contender. */
export async function withProcesses<Result>(
  contender: Measured,
  place: Place,
  work: (processes: Processes) => Promise<Result>,
): Promise<Result> {
  const worker = startContenderChild(contender, place);
  const adder = contender.inProcess ? worker : startContenderChild(contender, place);
  try {
    await worker.call("prepare", undefined);
    return await work({ worker, adder });
  } finally {
    await Promise.allSettled([...new Set([worker, adder])].map((child) => child.end()));
  }
}

/** Runs both processes of a contender on a separate database, which is removed afterwards. */
export async function withContender<Result>(
  postgres: BenchPostgres,
  contender: Contender,
  work: (processes: Processes & { readonly url: string }) => Promise<Result>,
): Promise<Result> {
  const name = `${contender.id}-${nextDatabase}`;
  nextDatabase += 1;
  const url = await postgres.createDatabase(name);
  try {
    return await withProcesses(contender, { url, serverPid: postgres.pid }, (processes) => work({ ...processes, url }));
  } finally {
    await postgres.dropDatabase(name);
  }
}

let nextDatabase = 1;
