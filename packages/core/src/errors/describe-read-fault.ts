const FAULTS: Readonly<Record<string, string>> = {
  ENOENT: "does not exist",
  ENOTDIR: "does not exist",
  EISDIR: "is a folder",
  EACCES: "may not be read with these permissions",
  EPERM: "may not be read with these permissions",
  // Of a TextDecoder that is fatal.
  ERR_ENCODING_INVALID_ENCODED_DATA: "is not UTF-8 text",
};

/** Returns why a file could not be read, for a sentence that begins with its name, such as `does not exist`. */
export function describeReadFault(error: unknown): string {
  if (!(error instanceof Error)) return `cannot be read: ${error}`;
  const code = "code" in error ? String(error.code) : "";
  return FAULTS[code] ?? `cannot be read: ${error.message}`;
}
