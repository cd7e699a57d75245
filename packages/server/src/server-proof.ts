import { createHmac } from "node:crypto";

/** What a server proves: that it knows a secret, and that it listens at this port. */
interface ServerProofInput {
  /** Known to the server and to the one who asks, such as the token of the data folder. Never sent. */
  readonly secret: string;
  /** Random bytes of the one who asks; new for each question. */
  readonly challenge: string;
  /** Where the server listens: a process at another port cannot pass the question on to it. */
  readonly port: number;
}

/** Returns the answer of a server that knows the secret: an HMAC-SHA256 (RFC 2104) in base64url. */
export function toServerProof({ secret, challenge, port }: ServerProofInput): string {
  return createHmac("sha256", secret).update(`stackyard-server\n${port}\n${challenge}`).digest("base64url");
}
