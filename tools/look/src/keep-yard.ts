import { setTimeout as sleep } from "node:timers/promises";
import { type ServeInput, serveYard } from "./serve-yard.ts";

/** How a demo's yard is left running. */
export interface KeepInput extends ServeInput {
  /** Prints a line. */
  readonly say: (line: string) => void;
  /** Lets this much virtual time pass, with all work that is due. Called each second. Default: time stands still. */
  readonly pass?: (ms: number) => Promise<unknown>;
}

const SECOND_MS = 1_000;

/** Leaves the yard of a demo running with its console, until Ctrl-C. */
export async function keepYard({ say, pass, ...input }: KeepInput): Promise<void> {
  const interrupt = new AbortController();
  const end = () => interrupt.abort();
  process.once("SIGINT", end);
  process.once("SIGTERM", end);
  const yard = await serveYard(input);
  try {
    const passing = passTime(pass, interrupt.signal);
    await waitForEnd({ signInUrl: await yard.findSignIn(), say, signal: interrupt.signal });
    await passing;
  } finally {
    process.off("SIGINT", end);
    process.off("SIGTERM", end);
    await yard.stop();
  }
}

async function passTime(pass: KeepInput["pass"], signal: AbortSignal): Promise<void> {
  while (pass !== undefined && !signal.aborted) {
    await pass(SECOND_MS);
    await sleep(SECOND_MS, undefined, { signal }).catch(() => undefined);
  }
}

interface EndInput {
  readonly signInUrl: string;
  readonly say: (line: string) => void;
  /** Ctrl-C. */
  readonly signal: AbortSignal;
}

/** Prints where the console of a running yard is and how the yard ends, and resolves when the signal is aborted. */
export function waitForEnd({ signInUrl, say, signal }: EndInput): Promise<void> {
  say("");
  say("The yard keeps running. See it in the console (the code works once, for 10 minutes):");
  say(`  ${signInUrl}`);
  say("Ctrl-C ends it.");
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    // Without this, nothing would keep the process alive that waits for a signal.
    const alive = setInterval(() => {}, 60_000);
    signal.addEventListener("abort", () => {
      clearInterval(alive);
      resolve();
    });
  });
}
