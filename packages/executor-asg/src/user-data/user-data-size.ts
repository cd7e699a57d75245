/** The most that EC2 takes, before base64 (EC2 User Guide, instance user data). */
export const MAX_USER_DATA_BYTES = 16_384;

/** Why rendered user data cannot be used; `undefined`: it can. */
export function findUserDataFault(rendered: string): string | undefined {
  const bytes = Buffer.byteLength(rendered);
  if (bytes <= MAX_USER_DATA_BYTES) return undefined;
  return `The user data has ${bytes} bytes with its values put in, and EC2 takes ${MAX_USER_DATA_BYTES}. Load the rest from a bucket.`;
}
