import { closeSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createProgramStarter } from "@stackyard/core/programs";
import { runChild } from "../run/child.ts";
import { findProgram } from "../run/find-program.ts";

/** What it prints. */
export interface Ends {
  readonly ends: readonly string[];
  /** The results of asking a program's version without descriptors, and with some again. */
  readonly versions: readonly string[];
  /** The end of a run once descriptors are free again. */
  readonly after: string;
}

// Run under a low `ulimit -n` with a folder for logs: uses up all file descriptors but a few, runs a program, and prints
// how each run ended.
const folder = process.argv[2] ?? "";
// The small process that starts programs would keep a descriptor.
const starter = createProgramStarter({ few: 1_000 });
let runs = 0;
const run = async (): Promise<string> => {
  runs += 1;
  const input = {
    binary: "/bin/sh",
    arguments: ["-c", "exit 0"],
    cwd: folder,
    environment: {},
    logPath: join(folder, `log-${runs}`),
    signal: new AbortController().signal,
    graceMs: 1_000,
    onOutput() {},
  };
  const end = await runChild(input, starter).catch((error: unknown) => error);
  if (end instanceof Error) return "code" in end ? String(end.code) : end.message;
  return "ended";
};

await run();
const ends: string[] = [];
for (const left of [0, 1, 2, 3, 4, 5]) {
  const taken = takeDescriptors(left);
  const end = await run();
  const free = countFree();
  for (const descriptor of taken) closeSync(descriptor);
  ends.push(`${end}, ${free} of ${left} free`);
}
const binary = join(folder, "terraform");
writeFileSync(binary, "#!/bin/sh\necho Terraform v1.9.0\n", { mode: 0o700 });
const loadVersion = async (): Promise<string> => {
  const found = await findProgram({ binaries: [binary], environment: {} }, {}).catch((error: unknown) => error);
  if (found instanceof Error) return "code" in found ? String(found.code) : found.message;
  return "found";
};
const taken = takeDescriptors(0);
const versions = [await loadVersion()];
for (const descriptor of taken) closeSync(descriptor);
versions.push(await loadVersion());

const printed: Ends = { ends, versions, after: await run() };
process.stdout.write(JSON.stringify(printed));

function takeDescriptors(left: number): number[] {
  const taken = takeAll();
  for (const descriptor of taken.splice(0, left)) closeSync(descriptor);
  return taken;
}

function countFree(): number {
  const taken = takeAll();
  for (const descriptor of taken) closeSync(descriptor);
  return taken.length;
}

function takeAll(): number[] {
  const taken: number[] = [];
  try {
    for (;;) taken.push(openSync("/dev/null", "r"));
  } catch {
    return taken;
  }
}
