import type { TaskFailure } from "./judge.ts";
import { isTransientReason } from "./placement.ts";

/** The machine went away, not the work (ECS API, Task, `stopCode`). */
const INTERRUPTED: ReadonlySet<string> = new Set(["SpotInterruption", "TerminationNotice", "InfrastructureHealth"]);

const PULL = /CannotPull/;
const TIMED_OUT = /time(d[ -]?)?out|deadline exceeded|request cancell?ed/i;

/** True when another attempt may succeed: each of the failures was an interruption, a lack of room, or a slow registry. */
export function isRetryable(failures: readonly TaskFailure[]): boolean {
  return failures.length > 0 && failures.every(passes);
}

function passes({ stopCode = "", stoppedReason = "", reason = "", exitCode }: TaskFailure): boolean {
  if (INTERRUPTED.has(stopCode)) return true;
  if (exitCode !== undefined) return false;
  const texts = [stoppedReason, reason];
  return texts.some((text) => isTransientReason(text) || (PULL.test(text) && TIMED_OUT.test(text)));
}
