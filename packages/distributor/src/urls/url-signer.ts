import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { type AwsCredentials, type Clock, StackyardError } from "@stackyard/core";
import { decideUrlLife } from "./decide-url-life.ts";

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
