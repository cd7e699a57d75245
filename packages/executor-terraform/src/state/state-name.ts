/** The parts of a task's config that name its state. */
export interface StatePlace {
  readonly state?: string | undefined;
  readonly source?: StateSource | undefined;
}

/** The parts of a task's `source` in the name of a state. */
interface StateSource {
  readonly type?: "s3" | "local" | "git";
  readonly key?: string;
  readonly location?: string;
  readonly host?: string;
  readonly repository?: string;
  readonly path?: string;
}

/**
 * Returns the name of a task's state among those of its stack: `state:<name>` where the task names it, else `<source.key>`,
 * `local/<location>` or `git:<host>/<repository>:<path>`, without the commit. Two sources never share a name, and spellings
 * of one path of the project or a repository have one. Undefined when the source names no files.
 */
export function toTaskStateName({ state, source }: StatePlace): string | undefined {
  if (state !== undefined) return `state:${state}`;
  // `local/`, `git:` and `state:` belong to others: an S3 key with this beginning has its next character encoded, and % as
  // well.
  if (source?.type === "s3") {
    const taken = /^(local(?=[/%])|(?:git|state)(?=[:%]))(.)/;
    return source.key && toUnmarked(source.key).replace(taken, (_, name, sign) => name + encodeURIComponent(sign));
  }
  if (source?.type === "git") {
    const { host, repository, path = "" } = source;
    return host && repository && `git:${host}/${repository}:${toOneSpelling(path)}`;
  }
  if (source?.type === "local" && source.location !== undefined) return `local/${toOneSpelling(source.location)}`;
  return undefined;
}

/** Returns a key without the mark at which the copied part ends. Else it stays byte for byte: it identifies existing states. */
function toUnmarked(key: string): string {
  return key.replace(/(?<!\/)\/{2,}(?=[^/])/g, "/");
}

/** Returns a path without what does not change its meaning: `./`, slashes that repeat or end it, and the mark of the copied part. */
function toOneSpelling(path: string): string {
  const root = path.startsWith("/") ? "/" : "";
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  return `${root}${parts.join("/")}`;
}
