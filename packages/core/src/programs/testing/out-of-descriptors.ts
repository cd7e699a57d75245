import { closeSync, openSync } from "node:fs";
import { runProgram } from "../run-program.ts";

/** What it prints. */
export interface Ends {
  readonly ends: readonly string[];
  /** The end of a run once descriptors are free again. */
  readonly after: string;
}

// Run under a low `ulimit -n`: uses up all file descriptors but a few, runs a program, and prints how each run ended.
const input = {
  command: [process.execPath, "-e", "process.stdout.write('done')"],
  cwd: import.meta.dirname,
  env: {},
  stdin: "",
  holdStdin: false,
  resultFd: 1,
  maxResultBytes: 1_000,
  timeoutMs: 30_000,
  signal: new AbortController().signal,
  onLine() {},
} as const;

const ends: string[] = [];
for (const left of [0, 1, 2, 3, 5, 8]) {
  const taken = takeDescriptors(left);
  const end = await runProgram(input);
  for (const descriptor of taken) closeSync(descriptor);
  ends.push(end.kind === "not-started" && "code" in end.error ? String(end.error.code) : end.kind);
}
const after = await runProgram(input);
const printed: Ends = { ends, after: after.kind === "ended" ? after.result : after.kind };
process.stdout.write(JSON.stringify(printed));

function takeDescriptors(left: number): number[] {
  const taken: number[] = [];
  try {
    for (;;) taken.push(openSync("/dev/null", "r"));
  } catch {
    for (const descriptor of taken.splice(0, left)) closeSync(descriptor);
    return taken;
  }
}
