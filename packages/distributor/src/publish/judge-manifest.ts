import type { Manifest } from "@stackyard/sdk/artifacts";
import { isUploadVersion, toUploadName } from "../upload/to-upload-name.ts";
import { classifyKey, type KeyPrefixes, toManifestKey } from "./classify-key.ts";

/** Why a version is not announced. */
export interface ManifestFault {
  readonly code: "MANIFEST_INVALID" | "KEY_INVALID";
  readonly reason: string;
}

/**
 * May this manifest lie under this key, and name these files? Only files in its own folder, so that who may write one artifact
 * cannot announce another's files under it; and single files that others uploaded, under the name that such a file has.
 */
export function judgeManifest(manifest: Manifest, key: string, prefixes: KeyPrefixes): ManifestFault | undefined {
  const { name, version, files } = manifest;
  if (key !== toManifestKey(prefixes.prefix, name, version)) {
    return { code: "MANIFEST_INVALID", reason: `The manifest is of ${name}@${version}, which lies elsewhere.` };
  }
  if (isOfUpload(manifest, prefixes)) return undefined;
  const folder = key.slice(0, key.lastIndexOf("/") + 1);
  const stray = files.findIndex((file) => !file.key.startsWith(folder) || file.key === key);
  if (stray < 0) return undefined;
  return { code: "KEY_INVALID", reason: `The key at /files/${stray}/key is no file of the folder of this version.` };
}

/** Is this what the function makes of a single file that somebody else has uploaded? */
export function isOfUpload({ name, version, files }: Manifest, prefixes: KeyPrefixes): boolean {
  const [file, ...others] = files;
  if (file === undefined || others.length > 0 || classifyKey(file.key, prefixes) !== "upload") return false;
  const own = toUploadName(file.key.slice(prefixes.uploadPrefix?.length));
  return own.name === name && isUploadVersion(version, own.version);
}
