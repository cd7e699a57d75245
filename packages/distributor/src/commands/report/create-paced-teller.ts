import type { Clock, CommandOutput } from "@stackyard/core";

/** How far long work is. */
export interface Told {
  /** A change of it is told at once. */
  readonly phase: string;
  readonly value: Readonly<Record<string, unknown>>;
  toLine(): string;
  /** In a terminal of so many columns. Default: the line. */
  toBlock?(columns: number): string;
}

const EVERY_MS = 1_000;
const LINE_EVERY_MS = 10_000;

/** Tells how far work is: to a terminal and with `--json` once a second, as lines of a pipe every ten seconds. */
export function createPacedTeller(out: CommandOutput, clock: Pick<Clock, "now">): (told: Told) => void {
  let [last, toldAt, linedAt, line] = ["", Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, ""];
  return ({ phase, value, toLine, toBlock = toLine }) => {
    const now = clock.now();
    const isNew = phase !== last;
    if (!isNew && now - toldAt < EVERY_MS) return;
    if (isNew || now - linedAt >= LINE_EVERY_MS) [linedAt, line] = [now, toLine()];
    [last, toldAt] = [phase, now];
    out.progress(value, () => line, toBlock);
  };
}
