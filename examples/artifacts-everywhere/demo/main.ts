import { keepYard, parseDemoWords } from "@stackyard/look";
import type { World } from "./world.ts";

const { stdout, stderr } = process;
// The reader has closed the pipe, as with `| head`.
stdout.on("error", () => process.exit());

const ABOUT = "About a minute: a distributor, consumers, what goes wrong between them, and the matrix.";

/** Returns 0: success; 1: a check failed; 2: the demo could not run; 64: usage error. */
async function main(words: readonly string[]): Promise<number> {
  const options = parseDemoWords(words, { command: "npm run demo:artifacts", about: ABOUT });
  if (typeof options === "number") return options;
  const say = (line: string) => void stdout.write(`${line}\n`);
  try {
    const { play } = await import("./play.ts");
    const { faults } = await play(say, async (world) => {
      if (options.keep) await keep(world, say);
    });
    for (const fault of faults) stderr.write(`${fault}\n`);
    return faults.length === 0 ? 0 : 1;
  } catch (error) {
    stderr.write(`The demo could not be played: ${error instanceof Error ? error.stack : error}\n`);
    return 2;
  }
}

/** Leaves the yard running, with the matrix of its distributor. */
async function keep({ yard, distributor }: World, say: (line: string) => void): Promise<void> {
  const { call } = distributor;
  await keepYard({
    ...yard,
    say,
    artifacts: {
      coverage: (query) => call({ op: "coverage", ...query }),
      consumers: (query) => call({ op: "consumers", ...query }),
      refresh: (query) => call({ op: "refresh", ...query }),
      replay: (query) => call({ op: "replay", ...query }),
    },
    pass: yard.advance,
  });
}

const code = await main(process.argv.slice(2));
// The interpreter of Step Functions keeps a timer of a minute for a task that has ended; flush the output first.
stderr.write("", () => stdout.write("", () => process.exit(code)));
