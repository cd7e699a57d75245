/** The instant at which tests begin. */
export const T0 = Date.UTC(2026, 0, 1);
export const MINUTE = 60_000;
