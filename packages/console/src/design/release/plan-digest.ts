/** Returns whether a text may be the digest of a plan of a release. */
export function isPlanDigest(text: string | undefined): text is string {
  return text !== undefined && /^[0-9a-f]{64}$/.test(text);
}
