import { createHash } from "node:crypto";
import { ARTIFACT_NAME, ARTIFACT_VERSION } from "@stackyard/sdk/artifacts";
import type { VersionId } from "./versions.ts";

/** Prefixes of artifacts and uploads in the source bucket. */
export interface KeyPrefixes {
  /** Prefix of `<name>/<version>/`: empty, or ends with a slash. */
  readonly prefix: string;
  /** Prefix of uploads without a manifest; can be empty. Undefined: no uploads. */
  readonly uploadPrefix?: string;
}

/** The kind of an object in the bucket. */
type KeyKind = "manifest" | "upload" | "other";

const MANIFEST = "/manifest.json";

/** Classifies a key by the longest matching prefix, since one prefix can contain the other. */
export function classifyKey(key: string, { prefix, uploadPrefix }: KeyPrefixes): KeyKind {
  const isArtifact = key.startsWith(prefix);
  const isUpload = uploadPrefix !== undefined && key.startsWith(uploadPrefix) && !key.endsWith("/");
  if (isUpload && (!isArtifact || uploadPrefix.length > prefix.length)) return "upload";
  return isArtifact && key.endsWith(MANIFEST) ? "manifest" : "other";
}

/** Returns the key of a version's manifest. */
export function toManifestKey(prefix: string, name: string, version: string): string {
  return `${prefix}${name}/${version}${MANIFEST}`;
}

const MAX_NAME = 128;
const MAX_VERSION = 40;
/** Version of files without a folder. */
const NO_FOLDER = "0";

/**
 * Derives the artifact of an uploaded file. Files of a build arrive one by one, and the last one is unknown; an artifact never
 * changes. So each file is its own artifact: the last folder is the version, and the rest of the path the name.
 * `team/app/dev/40/packaged.yaml` becomes version `40` of `team/app/dev/packaged.yaml`. Invalid characters become `-`, and a hash
 * of the original is appended.
 */
export function toUploadName(path: string): VersionId {
  const segments = path.split("/");
  const file = segments.at(-1) ?? "";
  const folder = segments.at(-2);
  return {
    name: toName([...segments.slice(0, -2), file].join("/")),
    version: folder === undefined ? NO_FOLDER : toVersion(folder),
  };
}

/** Returns the version of an overwritten file. Each upload is announced, and a version cannot have two contents. */
export function toOverwrittenVersion(version: string, objectVersion: string): string {
  return `${version}+${createHash("sha256").update(objectVersion).digest("hex").slice(0, 12)}`;
}

/** Returns true when a version belongs to an upload with the version `own`. */
export function isUploadVersion(version: string, own: string): boolean {
  return version === own || (version.startsWith(`${own}+`) && /^[0-9a-f]{12}$/.test(version.slice(own.length + 1)));
}

const NAME = new RegExp(ARTIFACT_NAME);
const VERSION = new RegExp(ARTIFACT_VERSION);

/** Derives name and version from the key of a manifest or an upload, valid ones also from a key that is refused. */
export function toIdOfKey(key: string, prefixes: KeyPrefixes): VersionId {
  if (classifyKey(key, prefixes) === "upload") return toUploadName(key.slice(prefixes.uploadPrefix?.length));
  const segments = key.slice(prefixes.prefix.length, -MANIFEST.length).split("/");
  const [name, version] = [segments.slice(0, -1).join("/"), segments.at(-1) ?? ""];
  return NAME.test(name) && VERSION.test(version)
    ? { name, version }
    : { name: toName(name), version: toVersion(version) };
}

function toName(text: string): string {
  const segments = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9._/-]/g, "-")
    .split("/");
  const kept = segments.filter((segment) => !/^\.{0,2}$/.test(segment)).join("/");
  return tell(text, kept.replace(/^[^a-z0-9]|^$/, "x"), MAX_NAME);
}

function toVersion(text: string): string {
  const kept = text.replaceAll(/[^A-Za-z0-9._+-]/g, "-").replace(/^[^A-Za-z0-9]|^$/, "x");
  return tell(text, kept, MAX_VERSION);
}

function tell(text: string, kept: string, maxLength: number): string {
  if (kept === text && kept.length <= maxLength) return kept;
  const mark = `-${createHash("sha256").update(text).digest("hex").slice(0, 8)}`;
  // Appending the hash also avoids an empty segment when the cut is at a slash.
  return kept.slice(0, maxLength - mark.length) + mark;
}
