import { parseArgs } from "node:util";
import { toFleetTable } from "@stackyard/executor-runcommand";
import { play } from "./play.ts";
import { toProgressLine } from "./progress-line.ts";

const { values } = parseArgs({ options: { quick: { type: "boolean", default: false } } });
const { stdout } = process;
// The reader has closed the pipe, as with `| head`.
stdout.on("error", () => process.exit());
/** A terminal shows one line that changes; a file gets all of them. */
const [before, after] = stdout.isTTY ? ["\r\u001b[2K", ""] : ["", "\n"];
let isLineOpen = false;

/** Prints permanent output on a new line. */
function write(text: string): void {
  if (isLineOpen && stdout.isTTY) stdout.write("\n");
  isLineOpen = false;
  stdout.write(`${text}\n`);
}

await play(values.quick ? 100 : 1_000, {
  say: write,
  progress(counts, elapsedMs) {
    stdout.write(`${before}${toProgressLine(counts, elapsedMs)}${after}`);
    isLineOpen = true;
  },
  report: (pages) => write(toFleetTable(pages, { maxInstances: 35 })),
});
