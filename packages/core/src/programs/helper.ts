import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { isMap } from "../machine/json.ts";
import { createMark, findMarked, type Mark } from "./find-marked.ts";
import { HELPER_SCRIPT } from "./helper-script.ts";
import {
  type ChildEnd,
  type FiledInput,
  killGroup,
  type PipedInput,
  type PipedProgram,
  type RunningProgram,
} from "./program.ts";
import { createRemoteOutput, type RemoteOutput } from "./remote-output.ts";

/** The small process that starts programs for this one. */
export interface Helper {
  pid(): number | undefined;
  /** True if it takes programs now. */
  isReady(): boolean;
  /** False once it is gone. */
  canWork(): boolean;
  /** True once it has been ready. */
  hasWorked(): boolean;
  startFiled(input: FiledInput): Promise<RunningProgram>;
  startPiped(input: PipedInput): Promise<PipedProgram>;
}

/** The pause between two checks of a program whose end is not reported. */
const LOOK_MS = 100;

/** By descriptor. */
type Outputs = Readonly<Record<1 | 2 | 3, RemoteOutput>>;

/** The facts of a program until the small process has nothing more to report of it. */
interface Entry {
  readonly started: PromiseWithResolvers<RunningProgram>;
  readonly ended: PromiseWithResolvers<ChildEnd>;
  /** The outputs; undefined for a program that writes to files. */
  readonly outputs: Outputs | undefined;
  /** In its environment: it may run before it is reported. */
  readonly mark: Mark;
  pid: number | undefined;
}

/** Starts the small process. If that fails, it is gone at once. */
export function createHelper(): Helper {
  const entries = new Map<number, Entry>();
  let state: "starting" | "ready" | "gone" = "starting";
  let hasWorked = false;
  let last = 0;
  const mark = createMark("STACKYARD_STARTER");
  const child = spawnHelper(mark);
  const end = () => {
    state = "gone";
    if (child?.connected === true) {
      // Its reports are read first.
      child.once("disconnect", end);
      return;
    }
    for (const each of entries.values()) void abandon(each, mark);
    entries.clear();
  };
  child?.on("message", (message) => {
    if (!isMap(message)) return;
    if (message["kind"] === "ready") {
      state = "ready";
      hasWorked = true;
    } else if (receive(message, entries) && entries.size === 0) child.channel?.unref();
  });
  child?.once("exit", end).on("error", end);
  if (child === undefined) end();
  const start = (id: number, input: FiledInput | PipedInput, outputs: Outputs | undefined) => {
    const entry: Entry = {
      started: Promise.withResolvers<RunningProgram>(),
      ended: Promise.withResolvers<ChildEnd>(),
      outputs,
      mark: createMark("STACKYARD_PROGRAM"),
      pid: undefined,
    };
    entries.set(id, entry);
    child?.channel?.ref();
    const environment = { ...input.environment, [entry.mark.name]: entry.mark.value };
    child?.send({ id, kind: "start", ...input, environment }, (error) => error && entry.started.reject(error));
    return entry.started.promise;
  };
  return {
    pid: () => (state === "ready" ? child?.pid : undefined),
    isReady: () => state === "ready" && child?.connected === true,
    canWork: () => state !== "gone",
    hasWorked: () => hasWorked,
    startFiled: (input) => start(++last, input, undefined),
    async startPiped(input) {
      const id = ++last;
      const outputs = createOutputs(child, id);
      const { pid, ended } = await start(id, input, outputs);
      const [stdout, stderr, result] = [outputs[1].stream, outputs[2].stream, outputs[3].stream];
      return { pid, ended, stdout, stderr, result, kill: () => killGroup(pid) };
    },
  };
}

function spawnHelper(mark: Mark): ChildProcess | undefined {
  try {
    const child = spawn(process.execPath, ["--max-semi-space-size=1", "-e", HELPER_SCRIPT], {
      env: { [mark.name]: mark.value },
      detached: true,
      // Output is bytes, which JSON has not.
      serialization: "advanced",
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    child.unref();
    child.channel?.unref();
    return child;
  } catch {
    return undefined;
  }
}

function createOutputs(child: ChildProcess | undefined, id: number): Outputs {
  const create = (output: number) => {
    const send = (message: object) => {
      // Programs that it has started are abandoned when it is gone.
      if (child?.connected === true) child.send({ id, output, ...message }, () => {});
    };
    return createRemoteOutput({
      more: (count) => send({ kind: "more", count }),
      drop: () => send({ kind: "drop" }),
    });
  };
  return { 1: create(1), 2: create(2), 3: create(3) };
}

type Report = Readonly<Record<string, unknown>>;

/** Notes what the small process has reported of a program. Returns true if it was the last of it. */
function receive(report: Report, entries: Map<number, Entry>): boolean {
  if (typeof report["id"] !== "number") return false;
  const entry = entries.get(report["id"]);
  if (entry === undefined) return false;
  const isLast = report["kind"] === "failed" || report["kind"] === "closed";
  if (isLast) entries.delete(report["id"]);
  note(report, entry);
  return isLast;
}

function note(report: Report, entry: Entry): void {
  switch (report["kind"]) {
    case "started":
      entry.pid = Number(report["pid"]);
      entry.started.resolve({ pid: entry.pid, ended: entry.ended.promise });
      break;
    case "failed":
      endOutputs(entry);
      entry.started.reject(Object.assign(new Error(String(report["message"])), { code: report["code"] }));
      break;
    case "output":
      if (report["piece"] instanceof Uint8Array) findOutput(report, entry)?.push(report["piece"]);
      break;
    case "outputEnded":
      findOutput(report, entry)?.end();
      break;
    case "ended":
      entry.ended.resolve(toEnd(report));
      break;
    case "closed":
      // The end of the last output comes behind it.
      endOutputs(entry);
  }
}

function findOutput({ output }: Report, { outputs }: Entry): RemoteOutput | undefined {
  return output === 1 || output === 2 || output === 3 ? outputs?.[output] : undefined;
}

function listOutputs({ outputs }: Entry): readonly RemoteOutput[] {
  return outputs === undefined ? [] : Object.values(outputs);
}

function endOutputs(entry: Entry): void {
  for (const output of listOutputs(entry)) output.end();
}

function toEnd({ code, signal }: Report): ChildEnd {
  return { code: typeof code === "number" ? code : null, signal: typeof signal === "string" ? signal : null };
}

/** Ends a program whose starter is gone: its end would not be reported, and another attempt may follow. */
async function abandon(entry: Entry, starter: Mark): Promise<void> {
  const { started, ended, outputs } = entry;
  const pid = entry.pid ?? (await findUnreported(entry, starter).catch(started.reject));
  if (pid === undefined) started.reject(new Error("The process that starts programs has ended."));
  else {
    started.resolve({ pid, ended: ended.promise });
    if (outputs === undefined) {
      // Terraform saves its state and releases its lock when it is interrupted.
      interrupt(pid);
      while (isWorking(pid)) await delay(LOOK_MS);
      ended.resolve({ code: null, signal: "SIGINT", lost: true });
    } else {
      // Its output is lost.
      killGroup(pid);
      ended.resolve({ code: null, signal: "SIGKILL", lost: true });
    }
  }
  // The end of the program is known before its output is over.
  setImmediate(() => {
    for (const { stream } of listOutputs(entry)) stream.destroy();
  });
}

/** Finds a program that was started and not reported. A copy of the starter is about to become one. */
async function findUnreported({ mark }: Entry, starter: Mark): Promise<number | undefined> {
  while ((await findMarked(starter)).length > 0) await delay(LOOK_MS);
  const [pid] = await findMarked(mark);
  return pid;
}

function interrupt(pid: number): void {
  try {
    process.kill(pid, "SIGINT");
  } catch {
    // It has ended meanwhile.
  }
}

/** Returns false also for a zombie, an ended program for which no process has waited; in a container without an init, none does. */
function isWorking(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !existsSync("/proc/self/stat") || !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}
