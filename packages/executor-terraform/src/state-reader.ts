import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { StagedRun } from "./staged-run.ts";
import { parseStateDocument, type StateDocument } from "./state-document.ts";
import { callTerraform } from "./terraform-call.ts";
import { loadYardState } from "./yard-state.ts";

/** The state after a run. */
export interface StateReader {
  /** As the yard's backend has it; undefined for other backends, and when it cannot be read by this process. */
  readonly stored: StateDocument | undefined;
  /** Reads the state by the program, once, which starts no provider for this. Undefined if it cannot be read. */
  pull(): Promise<StateDocument | undefined>;
}

/** Opens the state after a run. */
export async function openState(run: StagedRun): Promise<StateReader> {
  const found = await loadYardState(run);
  let pulled: Promise<StateDocument | undefined> | undefined;
  return {
    stored: found?.kind === "found" ? found.state : undefined,
    pull: () => {
      pulled ??= pullState(run);
      return pulled;
    },
  };
}

async function pullState(run: StagedRun): Promise<StateDocument | undefined> {
  const call = { command: "state", arguments: ["pull"] } as const;
  const end = await callTerraform(run, call, () => undefined);
  return end.code === 0 ? parseStateDocument(await readFile(join(run.folder, "state.out"), "utf8")) : undefined;
}
