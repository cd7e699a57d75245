import { classifyKey, type KeyPrefixes } from "../publish/classify-key.ts";
import { toUploadName, type UploadName } from "../upload/to-upload-name.ts";

/** A key has at most so many folders that are looked at. */
const MAX_SPLITS = 16;

/** The versions that a file of this key may be of: names have slashes, so the key alone does not say where its name ends. */
export function listCandidates(key: string, prefixes: KeyPrefixes): readonly UploadName[] {
  if (classifyKey(key, prefixes) === "upload") return [toUploadName(key.slice(prefixes.uploadPrefix?.length))];
  if (!key.startsWith(prefixes.prefix)) return [];
  const segments = key.slice(prefixes.prefix.length).split("/");
  return segments
    .slice(1, -1)
    .flatMap((version, index) =>
      index < MAX_SPLITS ? [{ name: segments.slice(0, index + 1).join("/"), version }] : [],
    );
}
