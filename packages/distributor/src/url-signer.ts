import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import type { AwsAccess } from "@stackyard/aws";
import { type AwsCredentials, type Clock, defined, StackyardError } from "@stackyard/core";

/** A request for a URL. */
export interface UrlWish {
  readonly key: string;
  readonly versionId?: string;
  readonly wantedSeconds: number;
}

/** A presigned URL, which is a secret. `expiresAt`: its real expiry in epoch milliseconds. */
export interface SignedUrl {
  readonly url: string;
  readonly expiresAt: number;
}

/** Signs URLs of one bucket. */
export interface UrlSigner {
  sign(wish: UrlWish): Promise<SignedUrl>;
}

/** Dependencies and options. */
export interface UrlSignerOptions {
  readonly bucket: string;
  /** The bucket's region: a URL of another region is redirected, and newer consumers refuse the global endpoint. */
  readonly region: string;
  /** True for path-style URLs, for emulators. Default: only for bucket names with dots. */
  readonly pathStyle?: boolean;
  /** Returns the credentials before each signature. Credentials without `expiration` do not expire. */
  readonly credentials: () => Promise<AwsCredentials>;
  readonly clock: Clock;
}

/** The longest URL that consumers accept. */
const MAX_URL_BYTES = 8_192;
/** Always use the regional https endpoint, whatever the environment configures. */
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
 * Signs URLs with SigV4 for the bucket's regional endpoint: virtual-hosted, or path-style for bucket names with dots, which no
 * certificate covers. Throws `SERVER_ERROR` when the credentials expire in less than ten minutes, so that a retry can use newer
 * ones.
 */
export function createUrlSigner(options: UrlSignerOptions): UrlSigner {
  const { bucket, region, pathStyle: forcePathStyle = false, credentials, clock } = options;
  let current: { readonly of: string; readonly client: S3Client } | undefined;

  /** Returns one client per set of credentials, so that the expiry belongs to the signing credentials. */
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
      const life = decideUrlLife({ wantedSeconds, now, ...defined({ credentialsExpireAt: end }) });
      if (life.kind === "renew") {
        const why = `The credentials that sign URLs expire in ${life.leftSeconds} s. Try again later, or check the signer's role.`;
        throw new StackyardError("SERVER_ERROR", why);
      }
      const command = new GetObjectCommand({ Bucket: bucket, Key: key, ...(versionId && { VersionId: versionId }) });
      const signing = { expiresIn: life.seconds, signingDate: new Date(now) };
      const url = await getSignedUrl(findClient(own), command, signing);
      if (Buffer.byteLength(url) <= MAX_URL_BYTES) return { url, expiresAt: life.expiresAt };
      throw new StackyardError("PAYLOAD_TOO_LARGE", `The URL of ${key} is longer than ${MAX_URL_BYTES} bytes.`);
    },
  };
}

/** The limits of a URL's lifetime. Instants are epoch milliseconds. */
interface UrlLifeInput {
  readonly wantedSeconds: number;
  /** Expiry of the signing credentials; undefined: none. */
  readonly credentialsExpireAt?: number;
  readonly now: number;
}

/** The lifetime of a URL, or that the credentials must be renewed first. */
type UrlLife =
  | { readonly kind: "sign"; readonly seconds: number; readonly expiresAt: number }
  | { readonly kind: "renew"; readonly leftSeconds: number };

/** Amazon S3 API reference, "Authenticating requests: using query parameters": seven days. */
const MAX_SECONDS = 604_800;
/** A URL expires this long before its credentials, because clocks differ and downloads start late. */
const MARGIN_SECONDS = 300;
/** The least remaining lifetime of credentials for signing. */
const MIN_LEFT_SECONDS = 600;

/**
 * Decides the lifetime of a presigned URL. It expires with its credentials at the latest (Amazon S3 user guide, "Sharing objects
 * with presigned URLs"), so the lifetime is limited to theirs, and the stated expiry is the real one.
 */
export function decideUrlLife({ wantedSeconds, credentialsExpireAt, now }: UrlLifeInput): UrlLife {
  const leftSeconds =
    credentialsExpireAt === undefined ? Number.POSITIVE_INFINITY : Math.floor((credentialsExpireAt - now) / 1_000);
  if (!(leftSeconds >= MIN_LEFT_SECONDS)) return { kind: "renew", leftSeconds };
  const longest = Math.min(MAX_SECONDS, leftSeconds - MARGIN_SECONDS);
  const seconds = Math.max(1, Math.min(Math.floor(wantedSeconds), longest));
  // The date of a signature is in whole seconds.
  return { kind: "sign", seconds, expiresAt: (Math.floor(now / 1_000) + seconds) * 1_000 };
}

/** The source of the signing credentials. */
interface SignerCredentialsInput {
  /** AWS access of the process. */
  readonly access: Pick<AwsAccess, "credentials">;
  /** The distributor's account. */
  readonly account: string;
  readonly region: string;
  /** A role of the same account that may read the bucket. Default: the process's own credentials. */
  readonly roleArn?: string;
  readonly clock: Clock;
}

/**
 * The expiry of a function's own credentials is unknown (AWS Lambda developer guide, "Lambda execution role"), so their URLs last at
 * most an hour. They can still expire earlier; a role for signing avoids that.
 */
const ASSUMED_MS = 65 * 60_000;

/**
 * Creates the credentials source of a `UrlSigner`. Role sessions are renewed early. A role assumed by a function is chained, so its
 * sessions last at most an hour (IAM user guide, "Role chaining").
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
