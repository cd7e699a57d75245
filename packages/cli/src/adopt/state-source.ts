import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { findEmulator } from "@stackyard/aws";
import { failWith } from "../failure.ts";

/** Where the states of a backend are. */
export interface StateSource {
  /** Returns the state. Throws `NOT_FOUND` and `OUTCOME_NEGATIVE` with the reason. */
  read(): Promise<Uint8Array>;
  /** Returns who holds the lock of the state, as far as its backend shows it. */
  findLock(): Promise<string | undefined>;
}

interface SourceInput {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** The place of the stack's id in the address of a state. */
export const STACK_MARK = "{stack}";

/** Opens the state at an address: `s3://bucket/key`, `https://…` of an HTTP backend, or a path. */
export function openSource(address: string, input: SourceInput): StateSource {
  if (address.startsWith("s3://")) return openS3(address, input);
  if (/^https?:\/\//.test(address)) return openHttp(address, input);
  return openFile(resolve(input.cwd, address.replace(/^file:\/\//, "")));
}

function openFile(path: string): StateSource {
  return {
    async read() {
      const found = await stat(path).catch(() => undefined);
      if (found === undefined) throw failWith("NOT_FOUND", `${path} not found.`);
      if (found.isDirectory()) throw await toFolderError(path);
      return readFile(path);
    },
    // https://developer.hashicorp.com/terraform/language/backend/local: the lock is a file next to the state.
    async findLock() {
      const lock = await readFile(join(dirname(path), `.${basename(path)}.lock.info`), "utf8").catch(() => undefined);
      return lock && toHolder(lock);
    },
  };
}

async function toFolderError(path: string): Promise<Error> {
  const workspaces = await readdir(join(path, "terraform.tfstate.d")).catch(() => []);
  const hint =
    workspaces.length === 0
      ? "Name the file, such as terraform.tfstate."
      : `It has the workspaces ${workspaces.join(", ")}: name the state of one, such as ${join(path, "terraform.tfstate.d", workspaces[0] ?? "", "terraform.tfstate")}.`;
  return failWith("NOT_FOUND", `${path} is a folder.`, { hint });
}

function openHttp(address: string, { env, signal }: SourceInput): StateSource {
  // The variables of Terraform's HTTP backend.
  const { TF_HTTP_USERNAME: user = "", TF_HTTP_PASSWORD: password = "" } = env;
  const authorization =
    user === "" && password === ""
      ? {}
      : { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` };
  return {
    async read() {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(30_000)]);
      const response = await fetch(address, { headers: authorization, redirect: "error", signal: limit }).catch(
        (cause: unknown) => {
          throw failWith("UNREACHABLE", `${address} cannot be reached.`, { cause });
        },
      );
      if (response.status === 200) return new Uint8Array(await response.arrayBuffer());
      if (response.status === 204 || response.status === 404) throw failWith("NOT_FOUND", `${address} has no state.`);
      if (response.status === 409 || response.status === 423)
        throw failWith("OUTCOME_NEGATIVE", `The state is locked: ${toHolder(await response.text())}.`);
      const hint = response.status === 401 ? "Set TF_HTTP_USERNAME and TF_HTTP_PASSWORD." : undefined;
      throw failWith("OUTCOME_NEGATIVE", `${address} answered ${response.status}.`, hint === undefined ? {} : { hint });
    },
    // The protocol shows a lock only to those who take it, which would change the other side.
    findLock: async () => undefined,
  };
}

function openS3(address: string, { env, signal }: SourceInput): StateSource {
  const [, bucket = "", key = ""] = /^s3:\/\/([^/]+)\/(.+)$/.exec(address) ?? [];
  if (bucket === "" || key === "")
    throw failWith("USAGE", `"${address}" is not an address of an object, such as s3://bucket/key.`);
  const get = async (name: string): Promise<Uint8Array | undefined> => {
    const { GetObjectCommand, S3Client } = await import("@aws-sdk/client-s3");
    const isEmulated = findEmulator(env, "S3") !== undefined;
    const client = new S3Client({ followRegionRedirects: true, ...(isEmulated ? { forcePathStyle: true } : {}) });
    try {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: name }), { abortSignal: signal });
      return await Body?.transformToByteArray();
    } catch (error) {
      if (error instanceof Error && error.name === "NoSuchKey") return undefined;
      const message = error instanceof Error ? error.message : String(error);
      throw failWith("OUTCOME_NEGATIVE", `s3://${bucket}/${name} cannot be read: ${message}`, { cause: error });
    } finally {
      client.destroy();
    }
  };
  return {
    async read() {
      const found = await get(key);
      if (found !== undefined) return found;
      // https://developer.hashicorp.com/terraform/language/backend/s3: workspaces have a prefix of their own.
      const hint = `The state of a workspace is at s3://${bucket}/env:/WORKSPACE/${key}.`;
      throw failWith("NOT_FOUND", `${address} not found.`, { hint });
    },
    async findLock() {
      const lock = await get(`${key}.tflock`);
      return lock && toHolder(Buffer.from(lock).toString("utf8"));
    },
  };
}

/** Returns who holds a lock of Terraform, from its description. */
function toHolder(text: string): string {
  const { Who, Operation, Created } = toLock(text);
  return [Who ?? "the holder is unknown", Operation, Created && `since ${Created}`]
    .filter((part) => part !== undefined)
    .join(", ");
}

function toLock(text: string): { readonly Who?: string; readonly Operation?: string; readonly Created?: string } {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}
