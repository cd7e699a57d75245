import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { GetObjectCommand, paginateListObjectsV2, type S3Client } from "@aws-sdk/client-s3";
import { StackyardError } from "@stackyard/core";

/** Where a project's files are. */
export interface ProjectPlace {
  readonly client: S3Client;
  readonly bucket: string;
  /** Ends with a slash, or is empty. */
  readonly prefix: string;
  /** Where copies are kept; absolute. */
  readonly folder: string;
}

/** Copies of the files of a project. */
export interface ProjectFiles {
  /** Copies what has changed, and removes what is gone. Returns the paths of these files. */
  update(): Promise<readonly string[]>;
}

const MOST_FILES = 500;
const MOST_BYTES = 1_048_576;

/** Keeps the files under a prefix as copies in a folder, which plugins read as the folder of a project. */
export function createProjectFiles({ client, bucket, prefix, folder }: ProjectPlace): ProjectFiles {
  const known = new Map<string, string>();
  const at = `s3://${bucket}/${prefix}`;

  async function list(): Promise<ReadonlyMap<string, string>> {
    const found = new Map<string, string>();
    for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: prefix })) {
      const files = Contents.filter(({ Key = "" }) => Key !== prefix && !Key.endsWith("/"));
      for (const { Key = "", ETag = "", Size = 0 } of files) {
        if (Size > MOST_BYTES) throw invalid(`s3://${bucket}/${Key} is larger than ${MOST_BYTES} bytes.`);
        found.set(Key.slice(prefix.length), ETag);
      }
      if (found.size > MOST_FILES) throw invalid(`More than ${MOST_FILES} files are under ${at}.`);
    }
    return found;
  }

  /** Keys may contain `..`. */
  function toFile(path: string): string {
    const file = resolve(folder, path);
    if (relative(folder, file).startsWith("..")) throw invalid(`${at}${path} is outside of the project's folder.`);
    return file;
  }

  return {
    async update() {
      const found = await list();
      const changed = [...found].filter(([path, tag]) => known.get(path) !== tag).map(([path]) => path);
      const gone = [...known.keys()].filter((path) => !found.has(path));
      for (const path of changed) {
        const { Body, ETag = "" } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: prefix + path }));
        const file = toFile(path);
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, (await Body?.transformToByteArray()) ?? new Uint8Array());
        known.set(path, ETag);
      }
      for (const path of gone) {
        await rm(join(folder, path), { force: true });
        known.delete(path);
      }
      return [...changed, ...gone];
    },
  };
}

function invalid(message: string): StackyardError {
  return new StackyardError("CONFIG_INVALID", message);
}
