import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { PostgresServer } from "@stackyard/postgres-server";
import { keepLastWords } from "./live-and-die.ts";

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
  /** Returns how it ended unexpectedly after it was ready, which is a fault even when its database goes away. */
  ownExits(): readonly string[];
  end(): Promise<void>;
}

/** Starts a process of the yard. `start`: makes its process, which says `ready` when it works. */
export function startYardProcess(name: string, start: () => ChildProcess): YardProcess {
  const ownExits: string[] = [];
  let isEnding = false;
  let current = watch();

  function watch(): { readonly child: ChildProcess; killed: boolean } {
    const incarnation = { child: start(), killed: false };
    let isReady = false;
    incarnation.child.on("message", (message) => {
      isReady ||= message === "ready";
    });
    const said = keepLastWords(incarnation.child);
    incarnation.child.once("exit", (code, signal) => {
      // It ends by itself when its database is not there at its start; once it is at work, nothing may end it.
      if (isReady && !incarnation.killed && !isEnding)
        ownExits.push(`${name}: ${signal ?? `code ${code}`} ${said()}`.trim());
      if (!isEnding) current = watch();
    });
    return incarnation;
  }

  return {
    name,
    ownExits: () => ownExits,
    async kill() {
      const { child } = current;
      const ended = once(child, "exit");
      current.killed = true;
      child.kill("SIGKILL");
      await ended;
    },
    freeze: () => void current.child.kill("SIGSTOP"),
    thaw: () => void current.child.kill("SIGCONT"),
    async end() {
      isEnding = true;
      const { child } = current;
      const ended = child.exitCode === null && child.signalCode === null ? once(child, "exit") : undefined;
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** Returns the database as a victim. */
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

/** Starts a program of this folder, made to be killed. */
export function forkProgram(name: string, ...args: readonly string[]): ChildProcess {
  return fork(join(import.meta.dirname, name), [...args], {
    execArgv: ["--disable-warning=ExperimentalWarning"],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
}
