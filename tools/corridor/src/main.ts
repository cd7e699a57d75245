import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { countCorridor, formatCorridor, type ScriptCoverage } from "./count-corridor.ts";
import { HELP, parseArguments } from "./parse-arguments.ts";

const root = new URL("../../../", import.meta.url);

/** Runs the event in a process of its own, and returns what V8 recorded while it did. */
async function recordEvent(direct: boolean): Promise<readonly ScriptCoverage[]> {
  const folder = mkdtempSync(join(tmpdir(), "corridor-"));
  try {
    const program = join(import.meta.dirname, "event-process.ts");
    const child = spawn(process.execPath, [program, direct ? "direct" : "http"], {
      // What V8 counts in code that comes from a compile cache is not exact.
      env: { ...process.env, NODE_V8_COVERAGE: folder, NODE_DISABLE_COMPILE_CACHE: "1" },
      stdio: ["ignore", "inherit", "inherit"],
    });
    const signal = await new Promise((resolve, reject) =>
      child.on("error", reject).on("close", (_, end) => resolve(end)),
    );
    // `coverage-<pid>-<time>-<number>.json`; the second is that of the event.
    const files = readdirSync(folder).toSorted((a, b) => toNumber(a) - toNumber(b));
    const [, file] = files;
    if (signal !== "SIGKILL" || file === undefined) throw new Error("The event did not run to its end.");
    return JSON.parse(readFileSync(join(folder, file), "utf8")).result;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function toNumber(file: string): number {
  return Number(/-(\d+)\.json$/.exec(file)?.[1]);
}

const input = parseArguments(process.argv.slice(2));
if (input === "help") {
  process.stdout.write(HELP);
} else if ("refusal" in input) {
  process.stderr.write(`${input.refusal} See --help.\n`);
  process.exitCode = 64;
} else {
  const read = (path: string) => readFileSync(new URL(path, root), "utf8");
  const files = countCorridor(await recordEvent(input.direct), { root, read });
  const total = files.length;
  if (input.json) process.stdout.write(`${JSON.stringify({ total, files }, null, 2)}\n`);
  else process.stdout.write(`${formatCorridor(files)}\n`);
  if (input.max !== undefined && total > input.max) {
    process.stderr.write(
      `${total} files run, ${total - input.max} more than the maximum of ${input.max}. The files above run for one event: ` +
        "load what an event rarely needs on demand, or join files that make one thought.\n",
    );
    process.exitCode = 1;
  }
}
