import { createHash } from "node:crypto";

/** The artifact that an upload becomes. */
export interface UploadName {
  readonly name: string;
  readonly version: string;
}

const MAX_NAME = 128;
const MAX_VERSION = 40;
/** Of files that lie in no folder. */
const NO_FOLDER = "0";

/**
 * Which artifact an uploaded file is. Files of a build arrive one by one, nobody knows which is the last, and each is announced
 * as it comes; an artifact never changes. So each file is an artifact of its own: the last folder is its version, and the rest of
 * the path its name. `team/app/dev/40/packaged.yaml` is the version `40` of `team/app/dev/packaged.yaml`.
 * What names and versions cannot have becomes `-`, and then a hash of the original sets them apart.
 */
export function toUploadName(path: string): UploadName {
  const segments = path.split("/");
  const file = segments.at(-1) ?? "";
  const folder = segments.at(-2);
  return {
    name: toName([...segments.slice(0, -2), file].join("/")),
    version: folder === undefined ? NO_FOLDER : toVersion(folder),
  };
}

/** Versions of a file that was overwritten, which is announced each time: a build cannot have two contents. */
export function toOverwrittenVersion(version: string, objectVersion: string): string {
  return `${version}+${createHash("sha256").update(objectVersion).digest("hex").slice(0, 12)}`;
}

/** Is this a version that an upload of that name gets? */
export function isUploadVersion(version: string, own: string): boolean {
  return version === own || (version.startsWith(`${own}+`) && /^[0-9a-f]{12}$/.test(version.slice(own.length + 1)));
}

function toName(text: string): string {
  const kept = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9._/-]/g, "-")
    .replace(/^[^a-z0-9]/, "x");
  return tell(text, kept, MAX_NAME);
}

function toVersion(text: string): string {
  const kept = text.replaceAll(/[^A-Za-z0-9._+-]/g, "-").replace(/^[^A-Za-z0-9]/, "x");
  return tell(text, kept, MAX_VERSION);
}

function tell(text: string, kept: string, maxLength: number): string {
  if (kept === text && kept.length <= maxLength) return kept;
  const mark = `-${createHash("sha256").update(text).digest("hex").slice(0, 8)}`;
  // A name that is cut at a slash has no empty segment then: the mark follows.
  return kept.slice(0, maxLength - mark.length) + mark;
}
