import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import type { CalendarFiles } from "@stackyard/core/services";
import { callAws } from "../call-aws.ts";
import type { MachinePlace } from "./s3-locator.ts";

const ENDINGS = [".yaml", ".yml"] as const;

/** Creates the calendars in S3 whose keys begin with a prefix. Throws the errors of AWS. */
export function createS3Calendars(client: S3Client, place: MachinePlace): CalendarFiles {
  const { bucket: Bucket, prefix } = place;
  return {
    async read(name) {
      for (const ending of ENDINGS) {
        const text = await readIfThere(client, { Bucket, Key: `${prefix}${name}${ending}` });
        if (text !== undefined) return text;
      }
      return undefined;
    },
  };
}

async function readIfThere(
  client: S3Client,
  { Bucket, Key }: { readonly Bucket: string; readonly Key: string },
): Promise<string | undefined> {
  const policy = { what: `s3://${Bucket}/${Key} cannot be read.`, instead: { gone: undefined } };
  return callAws(async () => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
    return (await Body?.transformToString("utf-8")) ?? "";
  }, policy);
}
