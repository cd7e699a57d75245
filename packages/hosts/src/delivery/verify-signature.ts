import { createHash, timingSafeEqual } from "node:crypto";
import { verify } from "@octokit/webhooks-methods";
import { Webhook } from "standardwebhooks";

/** A delivery as it arrived: the body is what was signed, byte by byte. */
export interface SignedDelivery {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

/**
 * Returns true if GitHub signed the body with one of the secrets (header `X-Hub-Signature-256`). Several secrets allow
 * rotation. Compares in constant time. Source: "Validating webhook deliveries", GitHub Docs.
 */
export async function isSignedByGitHub(
  { headers, body }: SignedDelivery,
  secrets: readonly string[],
): Promise<boolean> {
  const signature = headers["x-hub-signature-256"];
  if (signature === undefined || !/^sha256=[0-9a-f]{64}$/.test(signature)) return false;
  // Nothing is signed without a secret, and no delivery is empty.
  if (body === "") return false;
  const checks = await Promise.all(secrets.map((secret) => secret !== "" && verify(secret, body, signature)));
  return checks.includes(true);
}

/**
 * Returns true if the delivery has a signature of Standard Webhooks by one of the secrets (`whsec_…`), at most five
 * minutes old. GitLab uses them too if it has a signing token. Source: the specification of Standard Webhooks.
 */
export function isSignedByStandard({ headers, body }: SignedDelivery, secrets: readonly string[]): boolean {
  const { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature } = headers;
  if (id === undefined || timestamp === undefined || signature === undefined) return false;
  const signed = { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature };
  return secrets.some((secret) => isVerified(secret, body, signed));
}

function isVerified(secret: string, body: string, headers: Record<string, string>): boolean {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch {
    return false;
  }
}

/** Returns true when the header `X-Gitlab-Token` is one of the secrets. Compares in constant time. */
export function hasGitLabToken({ headers }: SignedDelivery, secrets: readonly string[]): boolean {
  const token = headers["x-gitlab-token"];
  if (token === undefined || token === "") return false;
  const given = digest(token);
  return secrets.filter((secret) => secret !== "" && timingSafeEqual(digest(secret), given)).length > 0;
}

// Equal lengths, which the comparison requires, for any input.
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
