interface Fault {
  readonly instancePath: string;
  readonly keyword: string;
  readonly message: string;
  readonly params?: unknown;
}

/** Faults of a schema in words, each with its place: `server.port must be <= 65535.` */
export function tellFaults(faults: readonly Fault[]): readonly string[] {
  const told = faults.filter(({ keyword, message }) => keyword !== "boolean" && message !== "").map(tellFault);
  return [...new Set(told)];
}

function tellFault({ instancePath, message, params }: Fault): string {
  const place = instancePath.slice(1).replaceAll("/", ".");
  const extra: unknown =
    typeof params === "object" && params !== null && "additionalProperties" in params
      ? params.additionalProperties
      : undefined;
  const names = Array.isArray(extra) ? `: ${extra.join(", ")}` : "";
  return `${place === "" ? "It" : place} ${message}${names}.`;
}
