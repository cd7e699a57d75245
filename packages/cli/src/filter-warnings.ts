/** Suppresses the warning that `node:sqlite` is experimental in Node 22, and no other. */
export function filterWarnings(): void {
  const emit = process.emitWarning.bind(process);
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (isSqliteWarning(warning, rest)) return;
    Reflect.apply(emit, process, [warning, ...rest]);
  };
}

/** Returns true for the one warning that is suppressed. */
export function isSqliteWarning(warning: string | Error, [type]: readonly unknown[]): boolean {
  const text = typeof warning === "string" ? warning : warning.message;
  const name = typeof warning === "string" ? (typeof type === "string" ? type : "") : warning.name;
  return name === "ExperimentalWarning" && text.startsWith("SQLite is an experimental feature");
}
