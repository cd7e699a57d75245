const MAX_BYTES = 1_024;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const FORBIDDEN = /[\u0000-\u001f\u007f\\]/;
/** What consumers keep for themselves. */
const RESERVED = ".stackyard";

/**
 * Will consumers store a file under this key? One to 1,024 bytes of UTF-8 without control characters and backslashes, in segments
 * that are neither empty nor dots, not under `.stackyard/`; also for whoever decodes the key once or twice.
 */
export function isManifestKey(key: string): boolean {
  if (key === "" || !key.isWellFormed() || Buffer.byteLength(key) > MAX_BYTES) return false;
  const once = decodeBytes(key);
  return [key, once, decodeBytes(once)].every(isPlain);
}

function isPlain(key: string): boolean {
  const segments = key.split("/");
  if (FORBIDDEN.test(key) || segments[0] === RESERVED) return false;
  return segments.every((segment) => segment !== "" && segment !== "." && segment !== "..");
}

/** Percent sequences as the bytes that they are; broken ones stay as text. */
function decodeBytes(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_sequence, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
