const { stdout, stderr } = process;
// The reader has closed the pipe, as with `| head`.
stdout.on("error", () => process.exit());

const HELP = `npm run demo:artifacts

It takes no arguments, and about a minute: a distributor, consumers, what goes wrong between them, and the matrix.
`;

/** Returns 0: success; 1: a check failed; 2: the demo could not run; 64: usage error. */
async function main(words: readonly string[]): Promise<number> {
  if (words.length > 0) {
    const isHelp = words.every((word) => word === "--help" || word === "-h");
    (isHelp ? stdout : stderr).write(isHelp ? HELP : `Unknown argument '${words[0]}'.\n\n${HELP}`);
    return isHelp ? 0 : 64;
  }
  try {
    const { play } = await import("./play.ts");
    const { faults } = await play((line) => void stdout.write(`${line}\n`));
    for (const fault of faults) stderr.write(`${fault}\n`);
    return faults.length === 0 ? 0 : 1;
  } catch (error) {
    stderr.write(`The demo could not be played: ${error instanceof Error ? error.stack : error}\n`);
    return 2;
  }
}

const code = await main(process.argv.slice(2));
// The interpreter of Step Functions keeps a timer of a minute for a task that has ended; flush the output first.
stderr.write("", () => stdout.write("", () => process.exit(code)));
