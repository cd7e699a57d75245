import { Readable } from "node:stream";
import {
  type _Object,
  GetObjectCommand,
  type GetObjectCommandOutput,
  paginateListObjectsV2,
  type S3Client,
} from "@aws-sdk/client-s3";
import {
  type Clock,
  type Executor,
  type Locator,
  type Logger,
  type MachineListing,
  mapLimited,
  silentLogger,
} from "@stackyard/core";
import { parseMachine } from "@stackyard/core/machine";
import { findAwsFault, toAwsError } from "../aws-fault.ts";
import { toCalendarPrefix } from "./calendar-prefix.ts";

type Located = MachineListing["located"];

/** The dependencies of the locator. */
export interface S3LocatorOptions extends MachinePlace {
  readonly client: S3Client;
  readonly executors: ReadonlyMap<string, Pick<Executor, "name" | "config">>;
  readonly clock: Clock;
  /** The time for which an answer is cached (`MACHINE_CACHE_SECONDS`). Default: 60 s. */
  readonly cacheMs?: number;
  /** Default: none. */
  readonly logger?: Logger;
}

const DEFAULT_CACHE_MS = 60_000;
const AT_A_TIME = 8;
/** Larger than any machine may be; it is not downloaded. */
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * Creates a locator of machines in S3: `.yml` and `.yaml` objects, each validated separately, reloaded when its ETag
 * has changed. While S3 is unavailable, uses the last results. Two objects of one name make that machine invalid and
 * are both named. Throws only before the first successful listing: `FORBIDDEN`, `NOT_FOUND`, `UNREACHABLE`, ….
 */
export function createS3Locator(options: S3LocatorOptions): Locator {
  const { clock, cacheMs = DEFAULT_CACHE_MS, logger = silentLogger } = options;
  let objects: ReadonlyMap<string, LoadedObject> = new Map();
  let listings: ReadonlyMap<string, MachineListing> | undefined;
  let readAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<ReadonlyMap<string, MachineListing>> | undefined;

  async function read(): Promise<ReadonlyMap<string, MachineListing>> {
    try {
      const found = await loadMachineObjects(options.client, options);
      const loaded = await mapLimited(found, AT_A_TIME, (object) => load(options, object, objects.get(object.key)));
      objects = new Map(loaded.flatMap((each) => (each === undefined ? [] : [[each.key, each]])));
      listings = toListings(objects, options.bucket);
    } catch (error) {
      const what = `The machines in s3://${options.bucket}/${options.prefix} cannot be listed.`;
      const failure = toAwsError(error, what, toAdvice(error));
      if (listings === undefined) throw failure;
      logger.warn("Machines could not be listed; the last known machines are used.", { error: failure });
    }
    readAt = clock.now();
    return listings;
  }

  async function refresh(fresh: boolean): Promise<ReadonlyMap<string, MachineListing>> {
    const running = reading && (await reading);
    if (!fresh && running !== undefined) return running;
    if (!fresh && listings !== undefined && clock.now() - readAt < cacheMs) return listings;
    reading ??= read().finally(() => {
      reading = undefined;
    });
    return reading;
  }

  return {
    find: async (name, { fresh = false } = {}) => (await refresh(fresh)).get(name)?.located ?? { kind: "unknown" },
    list: async () => [...(await refresh(false)).values()],
  };
}

interface LoadedObject extends MachineObject {
  readonly located: Located;
}

/** Loads an object; undefined if it was deleted meanwhile. */
async function load(
  options: S3LocatorOptions,
  object: MachineObject,
  before: LoadedObject | undefined,
): Promise<LoadedObject | undefined> {
  if (before?.etag === object.etag) return before;
  if (object.bytes > MAX_BYTES) return { ...object, located: toInvalid("file-too-large", formatSize(object)) };
  try {
    const got = await options.client.send(new GetObjectCommand({ Bucket: options.bucket, Key: object.key }));
    const source = await readSource(got);
    // The object may be newer than its listing; the next listing then has the ETag of the response.
    return { ...object, etag: got.ETag ?? object.etag, located: compile(options, object.name, source) };
  } catch (error) {
    if (findAwsFault(error).code === "NOT_FOUND") return undefined;
    const failure = toAwsError(error, `s3://${options.bucket}/${object.key} cannot be read.`);
    // Keeps the ETag of the loaded version, so that the next poll retries.
    if (before !== undefined) {
      const fields = { machine: object.name, error: failure };
      options.logger?.warn("A machine could not be read; its last known version is used.", fields);
      return before;
    }
    return { ...object, etag: "", located: toInvalid("file-unreadable", failure.message) };
  }
}

async function readSource({ Body, ContentLength = 0 }: GetObjectCommandOutput): Promise<string> {
  if (ContentLength <= MAX_BYTES) return (await Body?.transformToString("utf-8")) ?? "";
  // An unread body would keep its connection open.
  if (Body instanceof Readable) Body.destroy();
  throw new Error("It has grown since it was listed.");
}

function compile({ executors }: S3LocatorOptions, name: string, source: string): Located {
  const { machine, problems } = parseMachine(source.replace(/^\uFEFF/, ""), { name, executors: executors as never });
  if (machine === undefined) return { kind: "invalid", problems, source };
  return { kind: "found", machine, revision: { name: machine.name, hash: machine.hash, source }, problems };
}

/** Returns machines by name; one in several objects is invalid and names them all. */
function toListings(objects: ReadonlyMap<string, LoadedObject>, bucket: string): ReadonlyMap<string, MachineListing> {
  const byName = Map.groupBy(objects.values(), ({ name }) => name);
  return new Map(
    [...byName].map(([name, sharing]) => {
      const origins = sharing.map(({ key }) => `s3://${bucket}/${key}`);
      const [first] = sharing;
      const located = first !== undefined && sharing.length === 1 ? first.located : toClash(name, origins);
      return [name, { name, origin: origins.join(", "), located }];
    }),
  );
}

function toClash(name: string, origins: readonly string[]): Located {
  const message = `The machine "${name}" is in several objects: ${origins.join(", ")}. Keep one of them.`;
  return toInvalid("machine-duplicate", message);
}

function formatSize({ bytes }: MachineObject): string {
  return `The object has ${bytes} bytes; at most ${MAX_BYTES} are read.`;
}

function toInvalid(code: string, message: string): Located {
  return { kind: "invalid", problems: [{ severity: "error", code, path: "", line: 1, column: 1, message }] };
}

function toAdvice(error: unknown): string {
  return findAwsFault(error).code === "FORBIDDEN"
    ? "Allow s3:ListBucket on the bucket and s3:GetObject on its objects to the role that was used."
    : "";
}

/** An object with a machine. */
interface MachineObject {
  readonly key: string;
  /** The base name without its last ending. */
  readonly name: string;
  readonly etag: string;
  readonly bytes: number;
}

/** The location of machines. */
export interface MachinePlace {
  readonly bucket: string;
  /** A folder, one object, or the beginning of keys. Empty: the whole bucket. */
  readonly prefix: string;
}

/** Loads all machines of a place, over all pages. */
export async function loadMachineObjects(client: S3Client, place: MachinePlace): Promise<readonly MachineObject[]> {
  const { bucket, prefix } = place;
  const objects: _Object[] = [];
  const input = { Bucket: bucket, ...(prefix === "" ? {} : { Prefix: prefix }) };
  for await (const page of paginateListObjectsV2({ client }, input)) objects.push(...(page.Contents ?? []));
  return toMachineObjects(objects, prefix);
}

/**
 * Selects the machines with the prefix: the one object of exactly that name; else those in that folder; else all with
 * this key prefix. So `machines` does not include `machines-old/…`. Ignores empty objects, which mark folders, other
 * files, and the folder of calendars.
 */
export function toMachineObjects(objects: readonly _Object[], prefix: string): readonly MachineObject[] {
  const calendars = toCalendarPrefix({ prefix });
  const all = objects
    .map(({ Key = "", ETag = "", Size = 0 }) => ({ key: Key, etag: ETag, bytes: Size }))
    .filter(({ key }) => !key.startsWith(calendars));
  const folder = prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/`;
  const exact = all.filter(({ key, bytes }) => key === prefix && bytes > 0);
  const inside = all.filter(({ key }) => key.startsWith(folder));
  const chosen = exact.length > 0 ? exact : inside.length > 0 ? inside : all;
  return chosen.flatMap((object) => {
    const [, name] = MACHINE.exec(object.key) ?? [];
    return name === undefined || object.bytes === 0 ? [] : [{ ...object, name }];
  });
}

const MACHINE = /(?:^|\/)([^/.][^/]*)\.ya?ml$/;
