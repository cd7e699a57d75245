import { trimEndOf } from "./cut-text.ts";

/** Shorter forms would be found where no secret is. */
const SHORTEST = 6;

/**
 * Returns how programs write a text into their output: as base64 and base64url, also in the middle of a longer text,
 * percent-encoded, quoted for a shell, in hexadecimal digits, and as Go writes JSON.
 */
export function toEncodedForms(text: string): readonly string[] {
  const forms = [...toBase64Forms(text), ...toHexForms(text), ...toPercentForms(text), ...toQuotedForms(text)];
  return forms.filter((form) => form.length >= SHORTEST && form !== text);
}

/** The largest text whose encoded lines are recognized. */
const LONGEST = 16 * 1024;
/** Programs split longer lines. */
const SHORTEST_LINE = 24;

/** Returns the encoded forms of a text that programs split into lines, without the text around it. */
export function listWrappable(text: string): readonly string[] {
  if (text.length > LONGEST) return [];
  const own = /^[A-Za-z0-9+/_=-]+$/.test(text) ? [text] : [];
  const forms = [...own, ...toBase64Forms(text), ...toHexForms(text)];
  return forms.filter((form) => form.length >= SHORTEST_LINE);
}

function toBase64Forms(text: string): readonly string[] {
  const bytes = toByteText(text);
  const inner = [0, 1, 2].map((before) => toInnerBase64(bytes, before));
  const forms = [btoa(bytes), ...inner];
  return [...new Set([...forms, ...forms.map((form) => form.replaceAll("+", "-").replaceAll("/", "_"))])];
}

/** Characters of a group of base64 that the bytes before it take part in, by their number. */
const TAKEN = [0, 2, 3];

/** Returns the characters that only the text decides when other bytes are before and after it. */
function toInnerBase64(bytes: string, before: number): string {
  const encoded = trimEndOf(btoa("\0".repeat(before) + bytes), "=");
  const isPartial = (before + bytes.length) % 3 !== 0;
  return encoded.slice(TAKEN[before], isPartial ? -1 : undefined);
}

function toHexForms(text: string): readonly string[] {
  const codes = Array.from(toByteText(text), (byte) => byte.charCodeAt(0).toString(16).padStart(2, "0"));
  const hex = codes.join("");
  return [hex, hex.toUpperCase()];
}

/** Returns a text with one character for each byte of the text in UTF-8. */
function toByteText(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join("");
}

function toPercentForms(text: string): readonly string[] {
  // An unpaired surrogate has no such form.
  if (!text.isWellFormed()) return [];
  const common = encodeURIComponent(text);
  const strict = common.replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
  const forms = [common, strict, encodeURI(text), strict.replaceAll("%20", "+")];
  return [...forms, ...forms.map((form) => form.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()))];
}

function toQuotedForms(text: string): readonly string[] {
  return [
    text.replaceAll("'", "'\\''"),
    text.replaceAll("'", `'"'"'`),
    text.replace(/["\\$`]/g, "\\$&"),
    text.replace(/["\\$`!]/g, "\\$&"),
    text.replace(/[^A-Za-z0-9_@%+=:,./\n-]/g, "\\$&"),
    text.replaceAll("\\", "\\\\").replaceAll("'", "\\'").replaceAll("\n", "\\n"),
    // HCL, and JSON as Go writes it.
    JSON.stringify(text)
      .slice(1, -1)
      .replace(/[$%](?=\{)/g, "$&$&"),
    JSON.stringify(text)
      .slice(1, -1)
      .replace(/[<>&]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`),
  ];
}
