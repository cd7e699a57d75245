/** How long a URL could be good. Instants are epoch milliseconds. */
export interface UrlLifeInput {
  readonly wantedSeconds: number;
  /** When the credentials end that sign; undefined: they do not end. */
  readonly credentialsExpireAt?: number;
  readonly now: number;
}

/** How long a URL is made for, or that its credentials are too old for any. */
export type UrlLife =
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
