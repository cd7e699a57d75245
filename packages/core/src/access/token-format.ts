import { crc32 } from "node:zlib";

/** `syt_`: an API token. `sys_`: a session of the command line. `syw_`: a session of a workload. */
export type SecretPrefix = "syt_" | "sys_" | "syw_";

/** Finds the secrets of a yard in any text, for scanners. */
export const SECRET_PATTERN = "sy[tsw]_[0-9A-Za-z]{49}";

const SECRET = new RegExp(`^${SECRET_PATTERN}$`);
const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** 62^43 is the first power above 2^256. */
const BODY_LENGTH = 43;
const SUM_LENGTH = 6;
const RANDOM_BYTES = 32;

/**
 * Formats a secret: the prefix, 32 random bytes as 43 base62 digits, and 6 digits of the CRC-32 of all of that, with
 * which a mistyped secret is refused without a look-up. Throws `RangeError` for any other number of bytes.
 */
export function formatSecret(prefix: SecretPrefix, random: Uint8Array): string {
  if (random.byteLength !== RANDOM_BYTES) throw new RangeError(`A secret needs ${RANDOM_BYTES} random bytes.`);
  const value = random.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  const text = `${prefix}${toDigits(value, BODY_LENGTH)}`;
  return `${text}${toSum(text)}`;
}

/** Returns the prefix of a secret; undefined when the text is not one or its checksum is wrong. */
export function findSecretPrefix(text: string): SecretPrefix | undefined {
  if (!SECRET.test(text)) return undefined;
  const body = text.slice(0, -SUM_LENGTH);
  // The pattern allows no other prefix.
  return text.endsWith(toSum(body)) ? (text.slice(0, 4) as SecretPrefix) : undefined;
}

function toSum(text: string): string {
  return toDigits(BigInt(crc32(text)), SUM_LENGTH);
}

function toDigits(value: bigint, length: number): string {
  let rest = value;
  let text = "";
  for (let index = 0; index < length; index += 1) {
    text = `${DIGITS[Number(rest % 62n)]}${text}`;
    rest /= 62n;
  }
  return text;
}
