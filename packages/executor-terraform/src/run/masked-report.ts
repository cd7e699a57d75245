import type { StreamLine } from "@stackyard/core/services";
import type { StagedRun } from "./staged-run.ts";

/** Progress is for people: what may be the beginning of a secret is held back for this time at most. */
const HOLD_MS = 1000;

/** Reports lines of a program without secrets. */
export interface MaskedReport {
  add(line: StreamLine): void;
  /** Reports what is held back. */
  end(): void;
}

/** Creates a report of one call of the program. */
export function createMaskedReport({ ctx, maskStream }: Pick<StagedRun, "ctx" | "maskStream">): MaskedReport {
  const mask = maskStream();
  let timer: NodeJS.Timeout | undefined;
  const report = (lines: readonly string[]) => {
    for (const line of lines) ctx.report(line);
  };
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    report(mask.flush());
  };
  return {
    add(line) {
      report(mask.push(line));
      if (mask.isHolding()) timer ??= setTimeout(flush, HOLD_MS);
    },
    end: flush,
  };
}
