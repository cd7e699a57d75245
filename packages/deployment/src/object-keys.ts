import { StackyardError } from "@stackyard/core";

/** Where releases lie in a bucket. */
export interface Place {
  readonly bucket: string;
  /** Empty, or with a slash at its end. */
  readonly prefix: string;
}

/** S3 guide, "General purpose bucket naming rules". */
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const PREFIX = /^[A-Za-z0-9!_.*'()-]+(\/[A-Za-z0-9!_.*'()-]+)*\/?$/;

/** A bucket and a prefix as somebody typed them; a prefix gets its slash. Throws `USAGE`. */
export function parsePlace(bucket: string, prefix = ""): Place {
  if (!BUCKET.test(bucket)) throw new StackyardError("USAGE", `"${bucket}" is no name of a bucket.`);
  if (prefix === "") return { bucket, prefix };
  if (!PREFIX.test(prefix) || prefix.length > 200) {
    const why = "A prefix is a path of letters, digits and !_.*'()- without a slash at its beginning, up to 200 long.";
    throw new StackyardError("USAGE", `"${prefix}" is no prefix. ${why}`);
  }
  return { bucket, prefix: prefix.endsWith("/") ? prefix : `${prefix}/` };
}

/** Something published: an app's code or a template, in a version. */
export interface PublishedName {
  readonly kind: "app" | "template";
  readonly name: string;
  readonly version: string;
}

/** The key of a zip, `<prefix><app>/<version>/<app>.zip`, or of a template, `<prefix>templates/<version>/<name>.template.json`. */
export function toKey({ prefix }: Pick<Place, "prefix">, { kind, name, version }: PublishedName): string {
  return kind === "app"
    ? `${prefix}${name}/${version}/${name}.zip`
    : `${prefix}templates/${version}/${name}.template.json`;
}

/** What a key is of; undefined: something else that lies there. */
export function findPublishedName({ prefix }: Pick<Place, "prefix">, key: string): PublishedName | undefined {
  if (!key.startsWith(prefix)) return undefined;
  const [folder = "", version = "", file = "", ...more] = key.slice(prefix.length).split("/");
  if (version === "" || more.length > 0) return undefined;
  if (file === `${folder}.zip`) return { kind: "app", name: folder, version };
  const [, name] = /^([a-z][a-z0-9-]*)\.template\.json$/.exec(file) ?? [];
  return folder === "templates" && name !== undefined ? { kind: "template", name, version } : undefined;
}
