import { hash, timingSafeEqual } from "node:crypto";
import type { OperatorToken } from "../server-options.ts";

/** Returns a function that finds the name of a request's token. With `allowAnonymous`, a request without one is "anonymous". */
export function createAuthenticate(
  tokens: readonly OperatorToken[],
  allowAnonymous: boolean,
): (request: Request) => string | undefined {
  const findName = createTokenFinder(tokens);
  return (request) => {
    const header = request.headers.get("authorization");
    if (header === null) return allowAnonymous ? "anonymous" : undefined;
    const bearer = /^bearer +([^\s]{1,512})$/i.exec(header)?.[1];
    if (bearer !== undefined) return findName(bearer);
    // Terraform's http backend supports only user and password.
    const basic = parseBasic(header);
    return basic?.user === "token" ? findName(basic.password) : undefined;
  };
}

/** Returns a function that finds the name of a token. Compares all tokens, each in constant time. */
function createTokenFinder(tokens: readonly OperatorToken[]): (token: string) => string | undefined {
  const known = tokens.map(({ name, token }) => ({ name, digest: hash("sha256", token, "buffer") }));
  return (token) => {
    const digest = hash("sha256", token, "buffer");
    const found = known.filter((each) => timingSafeEqual(each.digest, digest));
    return found[0]?.name;
  };
}

/** User and password of an `Authorization: Basic` header. */
export interface BasicCredentials {
  readonly user: string;
  readonly password: string;
}

/** Reads a Basic header. The password has no colon, a user's name may have one. */
export function parseBasic(header: string | null): BasicCredentials | undefined {
  const encoded = /^basic +([A-Za-z0-9+/=]{1,16384})$/i.exec(header ?? "")?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.lastIndexOf(":");
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}
