import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { killTree, type RunningProcess } from "./process-tree.ts";
import { stackyardProgram } from "./stackyard-program.ts";

/** The messages of the control plane about itself. */
export interface ControlPlaneEvents {
  onReady(facts: { readonly pid: number; readonly starts: number }): void;
  /** Called with a line of progress of a running task. */
  onReport(report: TaskReport): void;
  /** Called when it exited unexpectedly; it is started again. */
  onDeath(how: string): void;
  /** Called when it does not start. */
  onGiveUp(reason: string): void;
}

export interface TaskReport {
  readonly stackId: string;
  readonly task: string;
  readonly line: string;
}

/** `stackyard dev` in a separate process, restarted whenever it dies. */
export interface ControlPlane {
  readonly url: string;
  /** Returns the address at which a browser signs in once, with the code of the last start. */
  readonly signInUrl: () => string;
  /** Resolves when it answers for the first time. Returns the token of its API. */
  start(): Promise<string>;
  /** Kills it and everything that it started with `kill -9`. Returns what was running below it. */
  kill(): Promise<readonly RunningProcess[]>;
  /** Stops it; kills it after a while. */
  stop(): Promise<void>;
}

const STOP_MS = 8_000;
/** It takes a second; on a busy machine, several. */
const START_MS = 30_000;
/** The number of failed starts in a row after which the demo gives up. */
const MAX_FAILED_STARTS = 3;

/** What is run, and where. */
export interface ControlPlaneInput {
  readonly project: string;
  readonly port: number;
  /** Further arguments of `stackyard dev`. */
  readonly words?: readonly string[];
  /** Added to this process's own. */
  readonly environment?: Readonly<Record<string, string>>;
}

export function createControlPlane(input: ControlPlaneInput, events: ControlPlaneEvents): ControlPlane {
  const { project, port } = input;
  const log = createWriteStream(join(project, "..", "control-plane.log"), { flags: "a" });
  const answered = Promise.withResolvers<void>();
  let child: ChildProcess | undefined;
  let stopping = false;
  let starts = 0;
  let failedStarts = 0;
  let lastWords = "";
  let signInUrl: string | undefined;

  function launch(): void {
    starts += 1;
    const launched = spawnControlPlane(input);
    child = launched;
    let isLate = false;
    const late = setTimeout(() => {
      isLate = true;
      void killChild(launched);
    }, START_MS);
    readLines(launched, (line) => {
      log.write(`${line}\n`);
      const ready = hear(line, { ...events, onReady: () => events.onReady({ pid: launched.pid ?? 0, starts }) });
      if (ready !== undefined) {
        signInUrl = ready.signInUrl;
        clearTimeout(late);
        failedStarts = 0;
        answered.resolve();
      }
      lastWords = line;
    });
    launched.once("exit", (code, signal) => {
      clearTimeout(late);
      if (stopping) return;
      // Who kills it while it starts has not shown that it cannot.
      if (signal === null || isLate) failedStarts += 1;
      if (failedStarts >= MAX_FAILED_STARTS) return events.onGiveUp(`The control plane does not start: ${lastWords}`);
      events.onDeath(toDeath({ code, signal, isLate }));
      launch();
    });
  }

  return {
    url: `http://127.0.0.1:${port}`,
    signInUrl: () => signInUrl ?? `http://127.0.0.1:${port}/`,
    async start() {
      launch();
      await answered.promise;
      return (await readFile(join(project, ".stackyard", "token"), "utf8")).trim();
    },
    kill: async () => (child === undefined ? [] : killChild(child)),
    async stop() {
      stopping = true;
      const last = child;
      if (last !== undefined && last.exitCode === null && last.signalCode === null) await end(last);
      log.end();
    },
  };
}

function toDeath({ code, signal, isLate }: { code: number | null; signal: string | null; isLate: boolean }): string {
  const how = signal === null ? `ended with ${code}` : `was killed by ${signal}`;
  return isLate ? `was not ready within ${START_MS / 1_000} s and ${how}` : how;
}

function spawnControlPlane({ project, port, words = [], environment }: ControlPlaneInput): ChildProcess {
  // Files that a killed run leaves behind are in the demo's folder too.
  const temporary = join(project, "..", "tmp");
  mkdirSync(temporary, { recursive: true });
  const endWithParent = fileURLToPath(new URL("end-with-parent.ts", import.meta.url));
  const dev = ["dev", "--project", project, "--port", String(port), "--json", ...words];
  return spawn(process.execPath, ["--import", endWithParent, stackyardProgram(), ...dev], {
    cwd: project,
    env: { ...process.env, ...environment, TMPDIR: temporary },
    // In its own process group: Ctrl-C only reaches the demo, which then stops it in order.
    detached: true,
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
}

async function end(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const timer = setTimeout(() => void killChild(child), STOP_MS);
  await ended;
  clearTimeout(timer);
}

/** Kills a process. One that could not be started does not have a pid. */
async function killChild({ pid }: ChildProcess): Promise<readonly RunningProcess[]> {
  return pid === undefined ? [] : killTree(pid);
}

function readLines({ stdout, stderr }: ChildProcess, onLine: (line: string) => void): void {
  for (const stream of [stdout, stderr]) if (stream) createInterface({ input: stream }).on("line", onLine);
}

/** Returns what the line says about a control plane that is ready; undefined for every other line. */
function hear(
  line: string,
  events: { onReady(): void; onReport(report: TaskReport): void },
): { readonly signInUrl: string | undefined } | undefined {
  const said = parseLine(line);
  if (said?.["kind"] === "ready") events.onReady();
  if (said?.["kind"] === "report") {
    const { stackId, task, line: text } = said;
    events.onReport({ stackId: String(stackId), task: String(task), line: String(text) });
  }
  if (said?.["kind"] !== "ready") return undefined;
  const { signInUrl } = said;
  return { signInUrl: typeof signInUrl === "string" ? signInUrl : undefined };
}

function parseLine(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(line) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}
