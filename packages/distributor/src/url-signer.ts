import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import type { AwsAccess } from "@stackyard/aws";
import { type AwsCredentials, type Clock, StackyardError } from "@stackyard/core";

/** What a URL is wanted for. */
export interface UrlWish {
  readonly key: string;
  readonly versionId?: string;
  readonly wantedSeconds: number;
}

/** A presigned URL: a secret. `expiresAt`: its real end, epoch milliseconds. */
export interface SignedUrl {
  readonly url: string;
  readonly expiresAt: number;
}

/** Signs URLs of one bucket. */
export interface UrlSigner {
  sign(wish: UrlWish): Promise<SignedUrl>;
}

/** What it works with. */
export interface UrlSignerOptions {
  readonly bucket: string;
  /** The bucket's: a URL of another region's endpoint would be redirected, and of the global one refused by newer consumers. */
  readonly region: string;
  /** The bucket stands in the path: emulators have no names of buckets. Default: only where the bucket's name has dots. */
  readonly pathStyle?: boolean;
  /** Asked before each signature. `expiration`: when they end; without it they do not. */
  readonly credentials: () => Promise<AwsCredentials>;
  readonly clock: Clock;
}

/** What consumers read of a URL. */
const MAX_URL_BYTES = 8_192;
/** Whatever the environment says, the address is the regional one over https. */
const PLAIN = {
  ignoreConfiguredEndpointUrls: true,
  useGlobalEndpoint: false,
  useDualstackEndpoint: false,
  useFipsEndpoint: false,
  useAccelerateEndpoint: false,
  requestChecksumCalculation: "WHEN_REQUIRED",
  responseChecksumValidation: "WHEN_REQUIRED",
} as const;

/**
 * Signs with SigV4 at the bucket's regional endpoint: virtual-hosted, or path-style where the bucket's name has dots (no
 * certificate covers those). Throws `SERVER_ERROR` while the credentials have less than ten minutes left, so that the next try
 * may meet newer ones.
 */
export function createUrlSigner(options: UrlSignerOptions): UrlSigner {
  const { bucket, region, pathStyle: forcePathStyle = false, credentials, clock } = options;
  let current: { readonly of: string; readonly client: S3Client } | undefined;

  /** One client per set of credentials: what is signed with is what the end was computed from. */
  function findClient(own: AwsCredentials): S3Client {
    const of = `${own.accessKeyId} ${own.sessionToken}`;
    if (current?.of !== of)
      current = { of, client: new S3Client({ region, credentials: own, forcePathStyle, ...PLAIN }) };
    return current.client;
  }

  return {
    async sign({ key, versionId, wantedSeconds }) {
      const own = await credentials();
      const now = clock.now();
      const end = own.expiration?.getTime();
      const life = decideUrlLife({ wantedSeconds, now, ...(end === undefined ? {} : { credentialsExpireAt: end }) });
      if (life.kind === "renew") throw toTooOld(life.leftSeconds);
      const command = new GetObjectCommand({ Bucket: bucket, Key: key, ...(versionId && { VersionId: versionId }) });
      const signing = { expiresIn: life.seconds, signingDate: new Date(now) };
      const url = await getSignedUrl(findClient(own), command, signing);
      if (Buffer.byteLength(url) > MAX_URL_BYTES) throw toTooLong(key);
      return { url, expiresAt: life.expiresAt };
    },
  };
}

function toTooOld(leftSeconds: number): StackyardError {
  const text = `The credentials that sign URLs end in ${leftSeconds} s, and no newer ones are given. Try again soon, or look at the signer's role.`;
  return new StackyardError("SERVER_ERROR", text);
}

function toTooLong(key: string): StackyardError {
  return new StackyardError("PAYLOAD_TOO_LARGE", `The URL of ${key} is longer than ${MAX_URL_BYTES} bytes.`);
}

/** How long a URL could be good. Instants are epoch milliseconds. */
interface UrlLifeInput {
  readonly wantedSeconds: number;
  /** When the credentials end that sign; undefined: they do not end. */
  readonly credentialsExpireAt?: number;
  readonly now: number;
}

/** How long a URL is made for, or that its credentials are too old for any. */
type UrlLife =
  | { readonly kind: "sign"; readonly seconds: number; readonly expiresAt: number }
  | { readonly kind: "renew"; readonly leftSeconds: number };

/** Amazon S3 API reference, "Authenticating requests: using query parameters": seven days. */
const MAX_SECONDS = 604_800;
/** A URL ends before its credentials by so much: clocks differ, and a download begins late. */
const MARGIN_SECONDS = 300;
/** With less left than this nothing is signed. */
const MIN_LEFT_SECONDS = 600;

/**
 * A presigned URL is good until its own end or that of the credentials that signed it, whichever comes first (Amazon S3 user
 * guide, "Sharing objects with presigned URLs"). So it is asked for only as long as it can be good, and its end is the real one.
 */
export function decideUrlLife({ wantedSeconds, credentialsExpireAt, now }: UrlLifeInput): UrlLife {
  const leftSeconds =
    credentialsExpireAt === undefined ? Number.POSITIVE_INFINITY : Math.floor((credentialsExpireAt - now) / 1_000);
  if (!(leftSeconds >= MIN_LEFT_SECONDS)) return { kind: "renew", leftSeconds };
  const longest = Math.min(MAX_SECONDS, leftSeconds - MARGIN_SECONDS);
  const seconds = Math.max(1, Math.min(Math.floor(wantedSeconds), longest));
  // A signature's date has whole seconds.
  return { kind: "sign", seconds, expiresAt: (Math.floor(now / 1_000) + seconds) * 1_000 };
}

/** Whose credentials sign URLs. */
interface SignerCredentialsInput {
  /** Of the process. */
  readonly access: Pick<AwsAccess, "credentials">;
  /** Of the distributor. */
  readonly account: string;
  readonly region: string;
  /** A role of the same account that may read the bucket. Default: the process's own credentials sign. */
  readonly roleArn?: string;
  readonly clock: Clock;
}

/**
 * A function's own credentials end at a moment that nobody is told (AWS Lambda developer guide, "Lambda execution role"), so URLs
 * signed with them are not made for longer than an hour. It may still be less: let a role sign.
 */
const ASSUMED_MS = 65 * 60_000;

/**
 * The credentials for a `UrlSigner`, renewed before they end: a session of the role has most of its time before it whenever it is
 * given. A role assumed by a function is chained, and its sessions last an hour at most (IAM user guide, "Role chaining").
 */
export function createSignerCredentials(input: SignerCredentialsInput): () => Promise<AwsCredentials> {
  const { access, account, region, roleArn, clock } = input;
  if (roleArn !== undefined) return () => access.credentials({ account, region, partition: "aws", role: roleArn });
  return async () => {
    const own = await access.credentials(undefined);
    if (own.sessionToken === undefined || own.expiration !== undefined) return own;
    return { ...own, expiration: new Date(clock.now() + ASSUMED_MS) };
  };
}
