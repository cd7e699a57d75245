import { paginateListObjectsV2, type S3Client } from "@aws-sdk/client-s3";
import type { ArtifactLocation } from "./artifact-location.ts";

/** An object as S3 lists it. */
export interface ListedObject {
  readonly Key?: string | undefined;
  readonly Size?: number | undefined;
  readonly LastModified?: Date | undefined;
}

/**
 * Where a pipeline keeps an artifact: its name cut to 20 characters, the artifact's cut to 10. CodePipeline does not
 * document it; the first is confirmed by AWS on re:Post, the second is what its events show.
 */
export function toArtifactPrefix(pipeline: string, artifact: string): string {
  return `${pipeline.slice(0, 20)}/${artifact.slice(0, 10)}/`;
}

/** The newest of the objects; of several at one time the one with the greatest key. Folders and empty objects are none. */
export function findNewest<Listed extends ListedObject>(objects: readonly Listed[]): Listed | undefined {
  return objects.filter(isArtifact).reduce<Listed | undefined>((newest, each) => {
    return newest === undefined || isNewer(each, newest) ? each : newest;
  }, undefined);
}

/** Looks through every page of the pipeline's own prefix; undefined: nothing lies there. Throws what S3 answers. */
export async function findNewestArtifact(
  s3: S3Client,
  { bucket, pipeline, artifact }: { readonly bucket: string; readonly pipeline: string; readonly artifact: string },
): Promise<ArtifactLocation | undefined> {
  const input = { Bucket: bucket, Prefix: toArtifactPrefix(pipeline, artifact) };
  let newest: ListedObject | undefined;
  for await (const { Contents = [] } of paginateListObjectsV2({ client: s3 }, input)) {
    newest = findNewest(newest === undefined ? Contents : [newest, ...Contents]);
  }
  return newest?.Key === undefined ? undefined : { bucket, key: newest.Key };
}

function isArtifact({ Key = "", Size = 0 }: ListedObject): boolean {
  return Key !== "" && !Key.endsWith("/") && Size > 0;
}

function isNewer(one: ListedObject, other: ListedObject): boolean {
  const difference = toTime(one) - toTime(other);
  if (difference !== 0) return difference > 0;
  return Buffer.compare(Buffer.from(one.Key ?? ""), Buffer.from(other.Key ?? "")) > 0;
}

function toTime({ LastModified }: ListedObject): number {
  return LastModified?.getTime() ?? 0;
}
