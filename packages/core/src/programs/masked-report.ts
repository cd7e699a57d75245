import type { StreamLine, StreamMask } from "../machine/stream-mask.ts";
import type { ExecutorContext } from "../ports/executor.ts";

/** Progress is for people: what may be the beginning of a secret is held back for this time at most. */
const HOLD_MS = 1000;

/** Reports lines of a program without secrets. */
export interface MaskedReport {
  add(line: StreamLine): void;
  /** Reports what is held back. */
  end(): void;
}

interface MaskedReportDeps {
  readonly ctx: Pick<ExecutorContext, "report">;
  readonly maskStream: () => StreamMask;
}

/** Creates a report of one call of a program. */
export function createMaskedReport({ ctx, maskStream }: MaskedReportDeps): MaskedReport {
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
