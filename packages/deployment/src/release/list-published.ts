import { paginateListObjectsV2, type S3Client } from "@aws-sdk/client-s3";
import { toAwsError } from "@stackyard/aws";
import { findPublishedName, type Place, type PublishedName } from "../object-keys.ts";

/** Something published, with its object. */
export interface PublishedObject extends PublishedName {
  readonly bytes: number;
  /** ISO 8601. */
  readonly publishedAt: string;
}

/** All that was published there, the newest first. Other objects are left out. */
export async function listPublished(s3: S3Client, place: Place): Promise<readonly PublishedObject[]> {
  const found: PublishedObject[] = [];
  try {
    for await (const { Contents = [] } of paginateListObjectsV2(
      { client: s3 },
      { Bucket: place.bucket, Prefix: place.prefix },
    )) {
      for (const { Key = "", Size: bytes = 0, LastModified } of Contents) {
        const name = findPublishedName(place, Key);
        if (name !== undefined)
          found.push({ ...name, bytes, publishedAt: (LastModified ?? new Date(0)).toISOString() });
      }
    }
  } catch (error) {
    throw toAwsError(error, `s3://${place.bucket}/${place.prefix} cannot be listed.`);
  }
  return found.sort((a, b) => compare(b.publishedAt, a.publishedAt) || compare(a.name, b.name));
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** The version of a template that was published last; undefined: none was. */
export function findLatest(published: readonly PublishedObject[], template: string): string | undefined {
  return published.find(({ kind, name }) => kind === "template" && name === template)?.version;
}
