/** After the first, second, … failed delivery. A queue of five receives so has over four minutes for what passes. */
const DELAYS_MS = [2_000, 15_000, 60_000, 180_000, 300_000];

/** How long a delivery that failed stays out of sight. */
export function retryDelayMs(deliveries: number): number {
  return DELAYS_MS[Math.min(deliveries, DELAYS_MS.length) - 1] ?? 0;
}
