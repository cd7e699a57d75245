import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { PostgresServer } from "@stackyard/postgres-server";

/** Something that can be tormented. */
export interface Victim {
  readonly name: string;
  /** Ends it without a word and starts it again. */
  kill(): Promise<void>;
  /** Stops it as if the machine had frozen. */
  freeze(): void;
  thaw(): void;
}

/** A process of the yard that comes back whenever it ends. */
export interface YardProcess extends Victim {
  end(): Promise<void>;
}

/** Starts a process of the yard. */
export function startYardProcess(name: string, args: readonly string[]): YardProcess {
  let child = spawnProcess(args);
  let isEnding = false;
  const watch = (watched: ChildProcess) => {
    // It ends by itself when its database is not there at its start.
    watched.once("exit", () => {
      if (isEnding) return;
      child = spawnProcess(args);
      watch(child);
    });
  };
  watch(child);
  return {
    name,
    async kill() {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
    freeze: () => void child.kill("SIGSTOP"),
    thaw: () => void child.kill("SIGCONT"),
    async end() {
      isEnding = true;
      const ended = child.exitCode === null && child.signalCode === null ? once(child, "exit") : undefined;
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** The database as a victim. */
export function toVictim(server: PostgresServer): Victim {
  return {
    name: "postgres",
    async kill() {
      await server.kill();
      await server.start();
    },
    freeze: server.freeze,
    thaw: server.thaw,
  };
}

function spawnProcess(args: readonly string[]): ChildProcess {
  return fork(join(import.meta.dirname, "cluster-process.ts"), [...args], {
    execArgv: ["--disable-warning=ExperimentalWarning"],
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
}
