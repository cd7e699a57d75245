import { COMMAND_NAMES } from "./command-table.ts";
import { DIRECT_WORDS } from "./direct-words.ts";
import { exemptLoopback } from "./proxy.ts";
import { findNamed } from "./read-command-line.ts";
import { runProcess } from "./run-process.ts";

/** Runs the words of this process if they name one of the direct commands, and ends it. Returns false if they do not. All commands come here. */
export async function runDirectly(): Promise<boolean> {
  // Not before: what has a quick answer sends no request.
  exemptLoopback(process.env);
  const named = findNamed(COMMAND_NAMES, process.argv.slice(2));
  if (named.length === 0 || !named.every((name) => DIRECT_WORDS.has(name.split(" ")[0] ?? ""))) return false;
  await runProcess();
  return true;
}
