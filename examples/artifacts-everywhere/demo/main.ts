import { play } from "./play.ts";

const { stdout, stderr } = process;

try {
  const { faults } = await play((line) => void stdout.write(`${line}\n`));
  for (const fault of faults) stderr.write(`${fault}\n`);
  process.exitCode = faults.length === 0 ? 0 : 1;
} catch (error) {
  stderr.write(`The demo could not be played: ${error instanceof Error ? error.stack : error}\n`);
  process.exitCode = 2;
}
