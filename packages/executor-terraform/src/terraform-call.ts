import { open } from "node:fs/promises";
import { join } from "node:path";
import { type ChildEnd, runChild } from "./child.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { TerraformFailure } from "./failure.ts";
import { createLineSplitter } from "./line-splitter.ts";
import { createLogTail, type LogTail } from "./log-tail.ts";
import { toProgressLines } from "./progress-line.ts";
import type { StagedRun } from "./staged-run.ts";
import { type ChangeCounts, parseStreamMessage, type StreamMessage, type StreamOutput } from "./stream-message.ts";

/** As much of a call's output as a failure message may hold. */
const TAIL_BYTES = 64 * 1024;
/** What the program says on its standard error is shown, never read. */
const ERROR_TAIL_BYTES = 8 * 1024;
/** Only the first ones tell what went wrong. */
const MAX_DIAGNOSTICS = 100;
const MAX_PLANNED = 200;

/** A call of the program with the words that it was given. */
export interface Call {
  readonly command: "init" | "plan" | "apply" | "destroy" | "output";
  readonly arguments: readonly string[];
}

/** How a call ended. */
export interface CallEnd extends ChildEnd {
  /** True when it was asked to stop while it worked. */
  readonly stopped: boolean;
  /** The last of what it said, secrets masked. */
  readonly tail: LogTail;
}

/** What a call with `-json` said. */
export interface StreamEnd extends CallEnd {
  readonly diagnostics: readonly Diagnostic[];
  readonly outputs: ReadonlyMap<string, StreamOutput>;
  readonly counts?: ChangeCounts;
  /** The last summary that it gave. */
  readonly summary: string;
  /** Addresses and actions of a plan, the first 200. */
  readonly planned: readonly string[];
}

/** Calls the program; each line of its standard output goes to `onLine` as it is. */
export async function callTerraform(run: StagedRun, call: Call, onLine: (line: string) => void): Promise<CallEnd> {
  const { ctx, settings, binary, module, environment } = run;
  if (ctx.signal.aborted || ctx.cancelling)
    throw new TerraformFailure("TERRAFORM_CANCELLED", "Stopped before it began.");
  const splitter = createLineSplitter();
  const logPath = join(run.folder, call.command);
  const end = await runChild({
    binary,
    cwd: module,
    environment,
    logPath,
    signal: ctx.signal,
    graceMs: settings.graceMs,
    arguments: [call.command, ...call.arguments],
    onOutput: (piece) => splitter.push(piece).forEach(onLine),
  }).catch(toStartFailure);
  splitter.end().forEach(onLine);
  const tail = createLogTail(TAIL_BYTES);
  for (const line of await loadErrorLines(`${logPath}.err`)) tail.add(run.mask(line));
  return { ...end, stopped: ctx.signal.aborted && end.code !== 0, tail };
}

function toStartFailure(error: unknown): never {
  // The sum of all variables is more than the system takes for a new program (execve(2), E2BIG).
  if (error instanceof Error && "code" in error && error.code === "E2BIG") {
    throw new TerraformFailure(
      "TERRAFORM_VALUE_REFUSED",
      "The variables together are more than a program can be given.",
    );
  }
  throw error;
}

/** Calls the program with `-json`, shows its progress and keeps what counts. */
export async function callStream(run: StagedRun, call: Call): Promise<StreamEnd> {
  const seen = createCollector();
  const end = await callTerraform(run, call, (line) => {
    const message = parseStreamMessage(line);
    if (message === undefined) return;
    seen.add(message);
    // What an apply is about to do it shows when it does it.
    if (message.kind === "planned" && call.command !== "plan") return;
    for (const text of toProgressLines(message)) run.ctx.report(run.mask(text));
  });
  return { ...end, ...seen.collected() };
}

type Collected = Omit<StreamEnd, keyof CallEnd>;

function createCollector(): { add(message: StreamMessage): void; collected(): Collected } {
  const diagnostics: Diagnostic[] = [];
  const planned: string[] = [];
  let last: Pick<Collected, "counts" | "summary"> = { summary: "" };
  let outputs: ReadonlyMap<string, StreamOutput> = new Map();
  return {
    add(message) {
      if (message.kind === "diagnostic" && diagnostics.length < MAX_DIAGNOSTICS) diagnostics.push(message.diagnostic);
      if (message.kind === "planned" && planned.length < MAX_PLANNED)
        planned.push(`${message.address}: ${message.action}`);
      if (message.kind === "summary") last = { counts: message.counts, summary: message.text };
      if (message.kind === "outputs" && !message.planned) outputs = message.outputs;
    },
    collected: () => ({ diagnostics, planned, outputs, ...last }),
  };
}

async function loadErrorLines(path: string): Promise<string[]> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const length = Math.min(size, ERROR_TAIL_BYTES);
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer
      .toString("utf8")
      .split(/\r?\n/)
      .filter((line) => line.trim() !== "");
  } finally {
    await file.close();
  }
}
