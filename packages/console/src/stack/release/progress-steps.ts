import type { Deploy } from "@stackyard/sdk";

/** A drawing of a deployment over time, in a box of these units. */
export interface ProgressDrawing {
  /** The path of the stacks that have arrived. */
  readonly arrived: string;
  /** The path of the failures; empty without one. */
  readonly failed: string;
  /** Pauses after waves: where they begin and end. */
  readonly pauses: readonly { readonly wave: string; readonly x: number; readonly width: number }[];
  /** Instants of its ends, epoch milliseconds. */
  readonly from: number;
  readonly to: number;
}

export const WIDTH = 600;
export const HEIGHT = 56;

/**
 * Returns the curve of a deployment, as steps: what has arrived stays. Its height is that of all stacks, so that the curve
 * reaches the top when all have arrived. Undefined: nothing is known, such as of a release before the first send.
 */
export function toProgressDrawing(
  { progress = [], waves, endedAt }: Pick<Deploy, "progress" | "waves" | "endedAt">,
  now: number,
): ProgressDrawing | undefined {
  const [first] = progress;
  const stacks = waves.reduce((sum, wave) => sum + wave.stacks, 0);
  if (first === undefined || stacks === 0) return undefined;
  const from = Date.parse(first.at);
  const last = Date.parse(progress.at(-1)?.at ?? first.at);
  const to = Math.max(last, endedAt === undefined ? now : Date.parse(endedAt));
  const toX = (at: number) => round(to === from ? 0 : ((Math.min(at, to) - from) / (to - from)) * WIDTH);
  const toY = (count: number) => round(HEIGHT - (Math.min(count, stacks) / stacks) * HEIGHT);
  const toPath = (part: "done" | "failed") => {
    const steps = progress.slice(1).map((point) => `H${toX(Date.parse(point.at))}V${toY(point[part])}`);
    return `M0 ${toY(first[part])}${steps.join("")}H${WIDTH}`;
  };
  return {
    arrived: toPath("done"),
    failed: progress.some(({ failed }) => failed > 0) ? toPath("failed") : "",
    pauses: waves.flatMap(({ name, pause }) => {
      if (pause === undefined) return [];
      const x = toX(Date.parse(pause.from));
      return [{ wave: name, x, width: round(toX(Date.parse(pause.to)) - x) }];
    }),
    from,
    to,
  };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
