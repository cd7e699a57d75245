import { type _Object, paginateListObjectsV2, type S3Client } from "@aws-sdk/client-s3";

/** An object that holds a machine. */
export interface MachineObject {
  readonly key: string;
  /** The base name without its last ending. */
  readonly name: string;
  readonly etag: string;
  readonly bytes: number;
}

/** Where machines lie. */
export interface MachinePlace {
  readonly bucket: string;
  /** A folder, one object, or the beginning of keys. Empty: the whole bucket. */
  readonly prefix: string;
}

/** All machines of a place, however many pages they are. */
export async function loadMachineObjects(client: S3Client, place: MachinePlace): Promise<readonly MachineObject[]> {
  const { bucket, prefix } = place;
  const objects: _Object[] = [];
  const input = { Bucket: bucket, ...(prefix === "" ? {} : { Prefix: prefix }) };
  for await (const page of paginateListObjectsV2({ client }, input)) objects.push(...(page.Contents ?? []));
  return toMachineObjects(objects, prefix);
}

/**
 * The machines among what begins with the prefix: the one object of that very name; else what lies in that folder; else,
 * where there is no such folder, everything, as the prefix of keys that it then is. So `machines` does not bring in
 * `machines-old/…`. Empty objects, which mark folders, and other files are no machines.
 */
export function toMachineObjects(objects: readonly _Object[], prefix: string): readonly MachineObject[] {
  const all = objects.map(({ Key = "", ETag = "", Size = 0 }) => ({ key: Key, etag: ETag, bytes: Size }));
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
