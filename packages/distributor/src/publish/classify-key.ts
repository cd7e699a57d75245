/** Where artifacts and uploads lie in the source bucket. */
export interface KeyPrefixes {
  /** Before `<name>/<version>/`: empty, or ends with a slash. */
  readonly prefix: string;
  /** Before what others upload without a manifest; may be empty. Undefined: nobody does. */
  readonly uploadPrefix?: string;
}

/** What an object of the bucket is. */
export type KeyKind = "manifest" | "upload" | "other";

const MANIFEST = "/manifest.json";

/** By the longest prefix that fits: one may lie in the other. */
export function classifyKey(key: string, { prefix, uploadPrefix }: KeyPrefixes): KeyKind {
  const isArtifact = key.startsWith(prefix);
  const isUpload = uploadPrefix !== undefined && key.startsWith(uploadPrefix) && !key.endsWith("/");
  if (isUpload && (!isArtifact || uploadPrefix.length > prefix.length)) return "upload";
  return isArtifact && key.endsWith(MANIFEST) ? "manifest" : "other";
}

/** Where the manifest of a version lies. */
export function toManifestKey(prefix: string, name: string, version: string): string {
  return `${prefix}${name}/${version}${MANIFEST}`;
}
