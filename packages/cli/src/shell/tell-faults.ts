interface Fault {
  readonly instancePath: string;
  readonly keyword: string;
  readonly message: string;
  readonly params?: unknown;
}

/** Faults of a schema in words, each with its place: `server.port must be <= 65535.` */
export function tellFaults(
  faults: readonly Fault[],
  toPlace: (path: readonly string[]) => string = (path) => path.join("."),
): readonly string[] {
  const told = faults.flatMap((fault) =>
    tellFault(fault, faults).map(([path, what]) => {
      const place = toPlace(path);
      return `${place === "" ? "It" : place} ${what}.`;
    }),
  );
  return [...new Set(told)];
}

type Told = readonly [path: readonly string[], what: string];

function tellFault(fault: Fault, all: readonly Fault[]): readonly Told[] {
  const { instancePath, keyword, message } = fault;
  const path = instancePath.split("/").slice(1);
  switch (keyword) {
    case "boolean":
      return [];
    case "required":
      return namesIn(fault, "requiredProperties").map((name) => [[...path, name], "is missing"]);
    case "additionalProperties":
      return namesIn(fault, "additionalProperties").map((name) => [[...path, name], "is no known key"]);
    case "anyOf":
      // What each of the alternatives asks for is told already.
      return all.some((other) => other !== fault && other.instancePath.startsWith(instancePath))
        ? []
        : [[path, message]];
    case "const":
    case "type":
      return [[path, `must be ${toAlternatives(all.filter((other) => other.instancePath === instancePath))}`]];
    case "minLength":
      return [[path, readParam(fault, "limit") === 1 ? "must not be empty" : message]];
    default:
      return message === "" ? [] : [[path, message]];
  }
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
  const last = words.at(-1) ?? "";
  return words.length < 2 ? last : `${words.slice(0, -1).join(", ")} or ${last}`;
}

function namesIn(fault: Fault, name: string): readonly string[] {
  const value = readParam(fault, name);
  return Array.isArray(value) ? value.map(String) : [];
}

function readParam({ params }: Fault, name: string): unknown {
  const entries = typeof params === "object" && params !== null ? Object.entries(params) : [];
  return entries.find(([key]) => key === name)?.[1];
}
