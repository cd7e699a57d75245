import { createHash, timingSafeEqual } from "node:crypto";

/** A secret that lets its bearer do everything, and the name under which that shows in histories. */
export interface OperatorToken {
  readonly name: string;
  readonly token: string;
}

/** Finds the name of a token. Every known one is compared, each in constant time. */
export function createTokenFinder(tokens: readonly OperatorToken[]): (token: string) => string | undefined {
  const known = tokens.map(({ name, token }) => ({ name, digest: digestOf(token) }));
  return (token) => {
    const digest = digestOf(token);
    const found = known.filter((each) => timingSafeEqual(each.digest, digest));
    return found[0]?.name;
  };
}

function digestOf(token: string): Buffer {
  return createHash("sha256").update(token, "utf8").digest();
}
