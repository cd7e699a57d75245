const SMALLEST = 4 * 1024;
const LARGEST = 1024 * 1024;
/** Linear work of a few passes over the largest text takes a tenth of it on a slow machine. */
const MAX_CPU_MS = 2_000;

/** A step that took too long. */
export interface SlowStep {
  readonly chars: number;
  readonly cpuMs: number;
}

/**
 * Does some work with larger and larger texts, up to 1 Mi characters, and returns the first that takes too much time of the
 * processor; undefined if none does. Work with the square of a text as its steps fails early instead of running for hours.
 */
export async function findSlowStep(
  toText: (chars: number) => string,
  work: (text: string) => unknown,
): Promise<SlowStep | undefined> {
  for (let chars = SMALLEST; chars <= LARGEST; chars *= 4) {
    const text = toText(chars);
    const begun = process.cpuUsage();
    await work(text);
    const { user, system } = process.cpuUsage(begun);
    const cpuMs = Math.round((user + system) / 1_000);
    if (cpuMs > MAX_CPU_MS) return { chars, cpuMs };
  }
  return undefined;
}
