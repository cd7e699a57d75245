import { createReadStream } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { findEmulator } from "@stackyard/aws";
import { collectBytes, formatNames, isStackyardError, silentLogger } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import { failUnanswered, failWith } from "../failure.ts";
import { createOwnAwsAccess } from "../yard/own-aws-access.ts";
import { toShown } from "./state-document.ts";

/** Where the states of a backend are. */
export interface StateSource {
  /** Returns the state. Throws `NOT_FOUND`, `OUTCOME_NEGATIVE` with the reason, and `UNREACHABLE` if another try may succeed. */
  read(): Promise<Uint8Array>;
  /** Returns who holds the lock of the state, as far as its backend shows it. Throws the same errors. */
  findLock(): Promise<string | undefined>;
}

interface SourceInput {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** The maximum size of a state, in bytes. Default: 128 MiB, four times what a server stores by default. */
  readonly maxBytes?: number;
}

const MAX_BYTES = 128 * 1024 * 1024;

/** The place of the stack's id in the address of a state. */
export const STACK_MARK = "{stack}";

/** Opens the state at an address: `s3://bucket/key`, `https://…` of an HTTP backend, or a path. */
export function openSource(address: string, input: SourceInput): StateSource {
  if (address.startsWith("s3://")) return openS3(address, input);
  if (/^https?:\/\//.test(address)) return openHttp(address, input);
  return openFile(address.startsWith("file://") ? toPath(address) : resolve(input.cwd, address), input);
}

function toPath(address: string): string {
  try {
    return fileURLToPath(address);
  } catch {
    throw failWith(
      "USAGE",
      "--from is not the address of a file of this machine, such as file:///states/shop.tfstate.",
    );
  }
}

/** Reads a state to its end. What is larger than any state is refused, before it fills the memory. */
async function readWhole(
  address: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { maxBytes = MAX_BYTES }: Pick<SourceInput, "maxBytes">,
): Promise<Uint8Array> {
  const bytes = await collectBytes(chunks, maxBytes);
  if (bytes !== undefined) return bytes;
  throw failWith("OUTCOME_NEGATIVE", `${address} has more than ${maxBytes} bytes.`);
}

function openFile(path: string, input: SourceInput): StateSource {
  return {
    async read() {
      const found = await stat(path).catch(() => undefined);
      if (found === undefined) throw failWith("NOT_FOUND", `${path} not found.`);
      if (found.isDirectory()) throw await toFolderError(path);
      // A device or a pipe may never end.
      if (!found.isFile()) throw failWith("OUTCOME_NEGATIVE", `${path} is not a file.`);
      return readWhole(path, createReadStream(path), input);
    },
    // https://developer.hashicorp.com/terraform/language/backend/local: the lock is a file next to the state.
    async findLock() {
      const lock = await readFile(join(dirname(path), `.${basename(path)}.lock.info`)).catch(() => undefined);
      return lock && toHolder(lock);
    },
  };
}

async function toFolderError(path: string): Promise<Error> {
  const names = (await readdir(join(path, "terraform.tfstate.d")).catch(() => [])).sort();
  const [first] = names;
  if (first === undefined)
    return failWith("NOT_FOUND", `${path} is a folder.`, { hint: "Name the file, such as terraform.tfstate." });
  const state = join(path, "terraform.tfstate.d", first, "terraform.tfstate");
  const hint = `It has the workspaces ${formatNames(names)}: name the state of one, such as ${state}.`;
  return failWith("NOT_FOUND", `${path} is a folder.`, { hint });
}

function openHttp(address: string, input: SourceInput): StateSource {
  const { env, signal } = input;
  // Messages name the address.
  if (URL.parse(address)?.username !== "")
    throw failWith("USAGE", "--from is not the address of a server, or contains a user.", {
      hint: "Set TF_HTTP_USERNAME and TF_HTTP_PASSWORD.",
    });
  // The variables of Terraform's HTTP backend.
  const { TF_HTTP_USERNAME: user = "", TF_HTTP_PASSWORD: password = "" } = env;
  const headers: Record<string, string> =
    user === "" && password === ""
      ? {}
      : { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` };
  return {
    async read() {
      try {
        return await readResponse(address, await request(address, { headers, signal }), input);
      } catch (error) {
        throw toReadError(address, error);
      }
    },
    // The protocol shows a lock only to those who take it, which would change the other side.
    findLock: async () => undefined,
  };
}

async function readResponse(address: string, { status, body }: Response, input: SourceInput): Promise<Uint8Array> {
  const readBody = () => readWhole(address, body ?? [], input);
  if (status === 200) return readBody();
  if (status === 204 || status === 404) throw failWith("NOT_FOUND", `${address} has no state.`);
  if (status === 409 || status === 423)
    throw failWith("OUTCOME_NEGATIVE", `${address} is locked: ${toHolder(await readBody())}.`);
  const hint = status === 401 ? "Set TF_HTTP_USERNAME and TF_HTTP_PASSWORD." : undefined;
  throw failWith("UNREACHABLE", `${address} answered ${status}.`, hint === undefined ? {} : { hint });
}

interface RequestOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

function request(address: string, { headers, signal }: RequestOptions): Promise<Response> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(30_000)]);
  return fetch(address, { headers, redirect: "error", signal: limit });
}

function openS3(address: string, input: SourceInput): StateSource {
  const { env, signal } = input;
  const [, bucket = "", key = ""] = /^s3:\/\/([^/]+)\/(.+)$/.exec(address) ?? [];
  if (bucket === "" || key === "")
    throw failWith("USAGE", `"${address}" is not an address of an object, such as s3://bucket/key.`);
  const get = async (name: string): Promise<Uint8Array | undefined> => {
    const place = `s3://${bucket}/${name}`;
    const { GetObjectCommand, S3Client } = await import("@aws-sdk/client-s3");
    const clientConfig = { followRegionRedirects: true, forcePathStyle: findEmulator(env, "S3") !== undefined };
    const ports = { clock: systemClock, logger: silentLogger, retriesDenials: false, clientConfig };
    const client = createOwnAwsAccess(ports).client(S3Client, undefined);
    try {
      const object = new GetObjectCommand({ Bucket: bucket, Key: name });
      const { Body = [] } = await client.send(object, { abortSignal: signal });
      // In Node the body is a stream of bytes.
      return await readWhole(place, Body as Readable, input);
    } catch (error) {
      if (error instanceof Error && error.name === "NoSuchKey") return undefined;
      throw toReadError(place, error);
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
      return lock && toHolder(lock);
    },
  };
}

/** Returns the error of a state of which no answer is known. */
function toReadError(place: string, error: unknown): unknown {
  if (isStackyardError(error)) return error;
  return failUnanswered(`${place} cannot be read`, error);
}

/** Returns who holds a lock of Terraform, from its description. */
function toHolder(lock: Uint8Array): string {
  const { Who, Operation, Created } = toLock(Buffer.from(lock).toString("utf8"));
  const created = toShown(Created);
  return [toShown(Who) ?? "the holder is unknown", toShown(Operation), created && `since ${created}`]
    .filter((part) => part !== undefined)
    .join(", ");
}

function toLock(text: string): { readonly Who?: unknown; readonly Operation?: unknown; readonly Created?: unknown } {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}
