/** Later steps are not played. */
const MAX_STEPS = 500;
const MAX_BYTES = 1_048_576;

/** Returns a scenario as `stackyard simulate --steps` reads it: a step a line. */
export function toScenarioText(steps: readonly unknown[]): string {
  return steps.map((step) => `${JSON.stringify(step)}\n`).join("");
}

/**
 * Reads the steps of a scenario; empty lines are skipped.
 *
 * @throws Error that names the line.
 */
export function parseScenario(text: string): readonly unknown[] {
  if (text.length > MAX_BYTES) throw new Error("A scenario has at most 1 MiB.");
  const lines = text.split(/\r?\n/).map((line, index) => ({ line: line.trim(), number: index + 1 }));
  const steps = lines.flatMap(({ line, number }): unknown[] => {
    if (line === "") return [];
    try {
      return [JSON.parse(line)];
    } catch {
      throw new Error(`Line ${number} of the scenario is not JSON.`);
    }
  });
  if (steps.length > MAX_STEPS)
    throw new Error(`A scenario has at most ${MAX_STEPS} steps; this one has ${steps.length}.`);
  return steps;
}
