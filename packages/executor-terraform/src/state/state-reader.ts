import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { StagedRun } from "../run/staged-run.ts";
import { callTerraform } from "../run/terraform-call.ts";
import { readStateDocument, type StateDocument } from "./state-document.ts";
import { loadYardState } from "./yard-state.ts";

/** The state after a run. */
export interface StateReader {
  /** True if the yard's backend was read: `stored` is undefined then if it has no state, or one that is encrypted. */
  readonly isYard: boolean;
  /** As the yard's backend has it; undefined for other backends, and when it cannot be read by this process. */
  readonly stored: StateDocument | undefined;
  /** Reads the state by the program, once, which starts no provider for this. Undefined if it cannot be read; without resources if there is none. */
  pull(): Promise<StateDocument | undefined>;
}

/** Opens the state after a run. */
export async function openState(run: StagedRun): Promise<StateReader> {
  const found = await loadYardState(run);
  let pulled: Promise<StateDocument | undefined> | undefined;
  return {
    isYard: found !== undefined,
    stored: found?.kind === "found" ? found.state : undefined,
    pull: () => {
      pulled ??= pullState(run);
      return pulled;
    },
  };
}

/** Without a state, the program prints nothing or a line end. */
const MOST_BLANKS = 16;
const NO_STATE: StateDocument = { resources: [], outputs: new Map() };

async function pullState(run: StagedRun): Promise<StateDocument | undefined> {
  const call = { command: "state", arguments: ["pull"] } as const;
  const end = await callTerraform(run, call, () => undefined);
  if (end.code !== 0) return undefined;
  const path = join(run.folder, "state.out");
  const { size } = await stat(path);
  if (size <= MOST_BLANKS && (await readFile(path, "utf8")).trim() === "") return NO_STATE;
  return readStateDocument({ from: { path }, report: (line) => run.ctx.report(line) });
}
