/** A rule's event pattern: objects by name, lists of values at their ends. */
export type EventPattern = { readonly [name: string]: EventPattern | readonly unknown[] };

/**
 * True when the event fits. Source: EventBridge user guide, "Creating Amazon EventBridge event patterns" and "Comparison
 * operators": values are ORed, names are ANDed, lists in the event fit when one of theirs does.
 */
export function matchesPattern(event: unknown, pattern: EventPattern): boolean {
  return Object.entries(pattern).every(([name, wanted]) => {
    const value: unknown = Object(event)[name];
    return isList(wanted) ? matchesOne(value, wanted) : matchesPattern(value, wanted);
  });
}

function isList(wanted: EventPattern | readonly unknown[]): wanted is readonly unknown[] {
  return Array.isArray(wanted);
}

function matchesOne(value: unknown, wanted: readonly unknown[]): boolean {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return wanted.some((test) => values.some((each) => matchesTest(each, test)));
}

function matchesTest(value: unknown, test: unknown): boolean {
  if (typeof test !== "object" || test === null) return value === test;
  const [operator, operand] = Object.entries(test)[0] ?? [];
  if (operator === "exists") return (value !== undefined) === operand;
  if (operator === "prefix") return typeof value === "string" && value.startsWith(String(operand));
  if (operator === "suffix") return typeof value === "string" && value.endsWith(String(operand));
  if (operator === "anything-but") {
    return value !== undefined && ![operand].flat().includes(value);
  }
  throw new Error(`The simulation has no operator ${operator} in event patterns.`);
}
