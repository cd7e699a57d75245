import { play } from "./play.ts";

const { stdout, stderr } = process;
// Whoever reads has seen enough, as with `| head`.
stdout.on("error", () => process.exit());

/** 0: as it should be; 1: something is not so; 2: it could not be played. */
async function main(): Promise<number> {
  try {
    const { faults } = await play((line) => void stdout.write(`${line}\n`));
    for (const fault of faults) stderr.write(`${fault}\n`);
    return faults.length === 0 ? 0 : 1;
  } catch (error) {
    stderr.write(`The demo could not be played: ${error instanceof Error ? error.stack : error}\n`);
    return 2;
  }
}

const code = await main();
// The interpreter of Step Functions keeps a timer of a minute for a task that has ended; what was written goes out first.
stderr.write("", () => stdout.write("", () => process.exit(code)));
