const STEPS_MS = [
  1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000, 7_200_000, 21_600_000,
  43_200_000, 86_400_000,
];
const MOST_STEPS = 8;

/** Returns round instants between two, at most nine; those of UTC days where the time is longer than a day. */
export function toTicks(from: number, to: number): readonly number[] {
  const length = Math.max(0, to - from);
  const days = Math.ceil(length / MOST_STEPS / 86_400_000) * 86_400_000;
  const step = STEPS_MS.find((ms) => length / ms <= MOST_STEPS) ?? days;
  const first = Math.ceil(from / step) * step;
  return Array.from({ length: Math.max(0, Math.floor((to - first) / step) + 1) }, (_, index) => first + index * step);
}
