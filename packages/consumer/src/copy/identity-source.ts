import { addAbortSignal, Readable } from "node:stream";
import { GetObjectCommand, type GetObjectCommandOutput, type S3Client } from "@aws-sdk/client-s3";
import { findAwsFault } from "@stackyard/aws";
import { readWithin } from "../fetch/read-within.ts";
import type { ArtifactSource, OpenedFile, SourceFile } from "./artifact-source.ts";
import { CopyStop } from "./copy-fault.ts";
import { judgeAnswer } from "./judge-answer.ts";
import { guard, toUnavailable } from "./presigned-source.ts";

/** The source bucket, as the consumer's role reads it. */
export interface IdentitySourceInput {
  /** In the source's region. */
  readonly client: S3Client;
  readonly bucket: string;
  /** Whose the bucket is. */
  readonly account?: string;
}

const IDLE_MS = 30_000;

/** Files as the consumer's own role reads them: nothing expires, and nothing secret travels. */
export function createIdentitySource({ client, bucket, account }: IdentitySourceInput): ArtifactSource {
  return async (file) => {
    const command = new GetObjectCommand({
      Bucket: bucket,
      Key: file.key,
      ...(account !== undefined && { ExpectedBucketOwner: account }),
      ...(file.versionId !== undefined && { VersionId: file.versionId }),
      ...(file.range && { Range: `bytes=${file.range.from}-${file.range.to}` }),
    });
    try {
      return toOpened(await client.send(command, { abortSignal: file.signal }), file.signal);
    } catch (error) {
      throw toSourceStop(error);
    }
  };
}

/** Reads by the role, and by the URL where the role may not: from the first refusal on. */
export function createAutoSource(identity: ArtifactSource, presigned: ArtifactSource): ArtifactSource {
  let denied = false;
  return async (file: SourceFile) => {
    if (denied && file.url !== undefined) return presigned(file);
    try {
      return await identity(file);
    } catch (error) {
      if (!isDenied(error) || file.url === undefined) throw error;
      denied = true;
      return presigned(file);
    }
  };
}

function isDenied(error: unknown): boolean {
  return error instanceof CopyStop && error.fault.kind === "counted" && error.fault.code === "SOURCE_DENIED";
}

function toOpened({ Body, ContentLength, ContentRange }: GetObjectCommandOutput, signal: AbortSignal): OpenedFile {
  if (!(Body instanceof Readable)) throw toUnavailable("The source sent no bytes.");
  // The SDK hears the signal only until the answer begins.
  addAbortSignal(signal, Body);
  // One that is stopped before it is read must not fail unheard.
  Body.on("error", () => undefined);
  const [, from, to, size] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(ContentRange ?? "") ?? [];
  const range = { from: Number(from), to: Number(to), size: Number(size) };
  return {
    ...(ContentLength !== undefined && { length: ContentLength }),
    ...(from !== undefined && { range }),
    body: guard(readWithin(Body, IDLE_MS)),
    cancel: () => void Body.destroy(),
  };
}

function toSourceStop(error: unknown): unknown {
  const status = readStatus(error);
  const { name, kind } = findAwsFault(error);
  if (status === undefined || kind === "retryable") return toUnavailable("The source bucket does not answer.");
  const fault = judgeAnswer({ status, ...(name !== undefined && { code: name }) });
  // Credentials of one's own are renewed by themselves: there is no URL to ask for.
  if (fault?.kind === "expired") return toUnavailable("The credentials have expired.");
  return fault === undefined ? error : new CopyStop(fault);
}

function readStatus(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("$metadata" in error)) return undefined;
  const { $metadata } = error;
  if (typeof $metadata !== "object" || $metadata === null || !("httpStatusCode" in $metadata)) return undefined;
  return typeof $metadata.httpStatusCode === "number" ? $metadata.httpStatusCode : undefined;
}
