/** One fault of a value, as a schema reports it. */
export interface Fault {
  readonly instancePath: string;
  readonly keyword: string;
  readonly message: string;
  readonly params?: unknown;
}

/** A fault in words. `missing` and `unknown`: the path ends with the key. */
export interface DescribedFault {
  readonly kind: "missing" | "unknown" | "value";
  readonly path: readonly string[];
  /** Such as `must be a whole number`. */
  readonly what: string;
}

/** Puts the faults of a value into words. What the members of a union say about one place is one fault. */
export function describeFaults(faults: readonly Fault[]): readonly DescribedFault[] {
  const described = faults.flatMap((fault) => describeFault(fault, faults));
  const seen = new Set<string>();
  return described.filter((each) => {
    const key = JSON.stringify(each);
    return !seen.has(key) && seen.add(key);
  });
}

function describeFault(fault: Fault, all: readonly Fault[]): readonly DescribedFault[] {
  const { instancePath, keyword, message } = fault;
  const path = toKeys(instancePath);
  const ofValue = (what: string): readonly DescribedFault[] => (what === "" ? [] : [{ kind: "value", path, what }]);
  switch (keyword) {
    // The map that may not have the key reports it.
    case "boolean":
      return [];
    case "required":
      return namesIn(fault, "requiredProperties").map((name) => {
        return { kind: "missing", path: [...path, name], what: "is missing" };
      });
    case "additionalProperties":
      return namesIn(fault, "additionalProperties").map((name) => {
        return { kind: "unknown", path: [...path, name], what: "is not a known key" };
      });
    case "anyOf":
      // The faults of the alternatives are listed already.
      return all.some((other) => other !== fault && other.instancePath.startsWith(instancePath))
        ? []
        : ofValue(message);
    case "const":
    case "type":
      return ofValue(`must be ${toAlternatives(all.filter((other) => other.instancePath === instancePath))}`);
    case "minLength":
      return ofValue(readParam(fault, "limit") === 1 ? "must not be empty" : message);
    default:
      return ofValue(message);
  }
}

/** The keys of a JSON pointer. */
function toKeys(pointer: string): readonly string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
}

const KINDS: Readonly<Record<string, string>> = {
  array: "a list",
  boolean: "true or false",
  integer: "a whole number",
  number: "a number",
  object: "a map",
  string: "text",
};

// A union fails once for each of its members, all at the same place.
function toAlternatives(faults: readonly Fault[]): string {
  const words = faults.flatMap((fault) => {
    if (fault.keyword === "const") return [JSON.stringify(readParam(fault, "allowedValue"))];
    const type = readParam(fault, "type");
    return fault.keyword === "type" && typeof type === "string" ? [KINDS[type] ?? type] : [];
  });
  const different = [...new Set(words)];
  const last = different.at(-1) ?? "";
  return different.length < 2 ? last : `${different.slice(0, -1).join(", ")} or ${last}`;
}

function namesIn(fault: Fault, name: string): readonly string[] {
  const value = readParam(fault, name);
  return Array.isArray(value) ? value.map(String) : [];
}

function readParam({ params }: Fault, name: string): unknown {
  const entries = typeof params === "object" && params !== null ? Object.entries(params) : [];
  return entries.find(([key]) => key === name)?.[1];
}
