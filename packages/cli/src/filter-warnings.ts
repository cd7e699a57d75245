/** Node 22 calls `node:sqlite` experimental each time. That warning is left out, and no other. */
export function filterWarnings(): void {
  const emit = process.emitWarning.bind(process);
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (isSqliteWarning(warning, rest)) return;
    Reflect.apply(emit, process, [warning, ...rest]);
  };
}

/** True for the one warning that is left out. */
export function isSqliteWarning(warning: string | Error, [type]: readonly unknown[]): boolean {
  const text = typeof warning === "string" ? warning : warning.message;
  const name = typeof warning === "string" ? (typeof type === "string" ? type : "") : warning.name;
  return name === "ExperimentalWarning" && text.startsWith("SQLite is an experimental feature");
}
