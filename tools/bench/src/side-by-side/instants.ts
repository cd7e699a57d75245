/** When something happened to jobs: `[job, instant]`. */
export type Instants = readonly (readonly [index: number, at: number])[];

/** The monotonic clock of the machine, in milliseconds; all its processes share it. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Lets so much time go by. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
