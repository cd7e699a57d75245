type Input = Readonly<Record<string, unknown>>;

/** A list of texts, empty where there is none. */
export function textsOf(input: Input, field: string): readonly string[] {
  const value = input[field];
  return Array.isArray(value) ? value.map(String) : [];
}

/** A list of structures, empty where there is none. */
export function recordsOf(input: Input, field: string): readonly Input[] {
  const value = input[field];
  return Array.isArray(value) ? value.map((each) => Object(each)) : [];
}

/** A structure that may be left out. */
export function findRecord(input: Input, field: string): Input | undefined {
  const value = input[field];
  return typeof value === "object" && value !== null ? Object(value) : undefined;
}

/** A yes or no that may be left out. */
export function findFlag(input: Input, field: string): boolean | undefined {
  const value = input[field];
  return typeof value === "boolean" ? value : undefined;
}
