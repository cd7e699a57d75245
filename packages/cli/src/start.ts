import { countLostOutput } from "./lost-output.ts";
import { findQuickAnswer } from "./quick-answer.ts";

/** Prints the answer if the table of commands contains it, and ends the process. Returns false otherwise. */
export async function printQuickAnswer(): Promise<boolean> {
  const { stdout } = process;
  const context = { cwd: process.cwd(), columns: stdout.columns };
  // The command itself reports what fails here.
  const answer = await findQuickAnswer(process.argv.slice(2), context).catch(() => undefined);
  if (answer === undefined) return false;
  const lost = countLostOutput(stdout, { onClosedPipe: () => process.exit() });
  await new Promise<void>((resolve) => {
    stdout.write(answer, () => resolve());
  });
  if (lost.count() === 0) process.exit(0);
  process.stderr.write("Results could not be written to standard output.\n");
  process.exit(1);
}
