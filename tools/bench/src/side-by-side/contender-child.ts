import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { BenchPostgres } from "./bench-postgres.ts";
import type { Contender } from "./contender.ts";
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

/** Starts a process of a contender on one database. `nodeFlags`: more than its own, such as `--cpu-prof`. */
export function startContenderChild(
  contender: Contender,
  database: { readonly url: string; readonly postgres: BenchPostgres },
  nodeFlags: readonly string[] = [],
): ContenderChild {
  const args = [contender.id, database.url, String(database.postgres.pid)];
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

/** Runs both processes of a contender on a separate database, which is removed afterwards. */
export async function withContender<Result>(
  postgres: BenchPostgres,
  contender: Contender,
  work: (processes: {
    readonly worker: ContenderChild;
    /** Adds jobs; the worker does it itself if no other process can. */
    readonly adder: ContenderChild;
    readonly url: string;
  }) => Promise<Result>,
): Promise<Result> {
  const name = `${contender.id}-${nextDatabase}`;
  nextDatabase += 1;
  const url = await postgres.createDatabase(name);
  const worker = startContenderChild(contender, { url, postgres });
  const adder = contender.inProcess ? worker : startContenderChild(contender, { url, postgres });
  try {
    await worker.call("prepare", undefined);
    return await work({ worker, adder, url });
  } finally {
    await Promise.allSettled([...new Set([worker, adder])].map((child) => child.end()));
    await postgres.dropDatabase(name);
  }
}

let nextDatabase = 1;
