import { toFleetTable } from "@stackyard/executor-runcommand";
import { keepYard, parseDemoWords } from "@stackyard/look";
import { play } from "./play.ts";
import { toProgressLine } from "./progress-line.ts";

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

process.exitCode = await main(process.argv.slice(2));

/** Returns 0: success. 64: usage error. */
async function main(words: readonly string[]): Promise<number> {
  const about =
    "A thousand instances configured from one commit, thirty of them broken, in a simulated AWS. About a minute.";
  const options = parseDemoWords(words, {
    command: "npm run demo:fleet",
    about,
    quick: "100 instances, three of them broken",
  });
  if (typeof options === "number") return options;
  const { world } = await play(options.quick ? 100 : 1_000, {
    say: write,
    progress(counts, elapsedMs) {
      stdout.write(`${before}${toProgressLine(counts, elapsedMs)}${after}`);
      isLineOpen = true;
    },
    report: (pages) => write(toFleetTable(pages, { maxInstances: 35 })),
  });
  if (options.keep) await keepYard({ ...world.yard, say: write, pass: world.yard.advance });
  return 0;
}
