import type { ArtifactMessage } from "./artifact-message.ts";

/** A consumer's word on one file. */
export interface Receipt {
  readonly v: 1;
  readonly distributionId: string | null;
  readonly messageId: string | null;
  readonly artifact: { readonly name: string | null; readonly version: string | null; readonly key: string | null };
  readonly account: string;
  readonly region: string;
  readonly bucket: string;
  readonly status: "stored" | "present" | "failed" | "rejected";
  /** Of what failed or was refused. */
  readonly code: string | null;
  /** The digest was compared. */
  readonly verified: boolean;
  readonly sourceSha256: string | null;
  /** Differs where a template was rewritten. */
  readonly storedSha256: string | null;
  readonly size: number | null;
  readonly versionId: string | null;
  readonly attempt: number;
  /** ISO 8601. */
  readonly at: string;
  readonly durationMs: number;
}

/** Who sends it, of which message and when. */
export interface ReceiptInput {
  readonly consumer: { readonly account: string; readonly region: string; readonly bucket: string };
  /** Undefined for one that could not be read. */
  readonly message: ArtifactMessage | undefined;
  readonly messageId?: string;
  readonly attempt: number;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly endedAt: number;
}

/** What came of it. */
export type ReceiptOutcome = Pick<Receipt, "status"> &
  Partial<Pick<Receipt, "code" | "verified" | "sourceSha256" | "storedSha256" | "size" | "versionId">>;

/** Makes a receipt. */
export function toReceipt(input: ReceiptInput, outcome: ReceiptOutcome): Receipt {
  const { message, consumer, startedAt, endedAt } = input;
  const announced = message?.v === 2 ? message : undefined;
  return {
    v: 1,
    distributionId: announced?.distributionId ?? null,
    messageId: input.messageId ?? null,
    artifact: {
      name: announced?.artifact.name ?? null,
      version: announced?.artifact.version ?? null,
      key: message?.ArtifactKey ?? null,
    },
    account: consumer.account,
    region: consumer.region,
    bucket: consumer.bucket,
    code: null,
    verified: false,
    sourceSha256: announced?.artifact.sha256 ?? null,
    storedSha256: null,
    size: announced?.artifact.size ?? null,
    versionId: null,
    ...outcome,
    attempt: input.attempt,
    at: new Date(endedAt).toISOString(),
    durationMs: Math.max(0, endedAt - startedAt),
  };
}
