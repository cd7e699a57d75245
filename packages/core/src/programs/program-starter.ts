import { createHelper, type Helper } from "./helper.ts";
import type { FiledInput, PipedInput, PipedProgram, RunningProgram } from "./program.ts";
import { startFiledHere, startPipedHere } from "./start-here.ts";

export type {
  ChildEnd,
  FiledInput,
  PipedInput,
  PipedProgram,
  ProgramInput,
  ProgramUser,
  RunningProgram,
} from "./program.ts";

/**
 * Starts programs. A process is copied for each program that it starts, and does nothing else meanwhile: a server of 200 MB for
 * 20 ms. So after a few programs a small process of Node is started, which starts all others. It ends with this one; what
 * it has started and writes to files does not. If it cannot be started or is gone, programs are started here again.
 */
export interface ProgramStarter {
  /** Fails as `spawn` does, with the `code` of the system. */
  start(input: FiledInput): Promise<RunningProgram>;
  /** Fails as `spawn` does, with the `code` of the system. */
  startPiped(input: PipedInput): Promise<PipedProgram>;
  /** The number of the small process once there is one. */
  helperPid(): number | undefined;
}

/** A process that starts no more programs than these starts them itself: another process would cost it more. */
const FEW = 3;

/** Creates a starter. `few`: so many programs are started without the small process. Default: 3. */
export function createProgramStarter({ few = FEW }: { readonly few?: number } = {}): ProgramStarter {
  let count = 0;
  let helper: Helper | undefined;
  /** Returns the small process if it takes programs. */
  const findHelper = (): Helper | undefined => {
    count += 1;
    // Windows copies no process, and it has no groups to end.
    if (count <= few || process.platform === "win32") return undefined;
    // One that never came up would not the next time either.
    if (helper?.canWork() !== true && helper?.hasWorked() !== false) helper = createHelper();
    return helper?.isReady() === true ? helper : undefined;
  };
  return {
    helperPid: () => helper?.pid(),
    start: (input) => findHelper()?.startFiled(input) ?? startFiledHere(input),
    startPiped: (input) => findHelper()?.startPiped(input) ?? startPipedHere(input),
  };
}

/** The one of this process. */
export const programStarter: ProgramStarter = createProgramStarter();
