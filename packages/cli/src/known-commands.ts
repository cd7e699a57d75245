import { toCommandFacts } from "./command.ts";
import type { CommandFacts } from "./command-facts.ts";
import { loadAllCommands } from "./command-table.ts";

/** Returns what help, parser and completion know of each command of this package. The build puts the result in place of this file. */
export async function loadKnownCommands(): Promise<readonly CommandFacts[]> {
  return (await loadAllCommands()).map(toCommandFacts);
}
