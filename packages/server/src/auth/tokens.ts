import { createHash, timingSafeEqual } from "node:crypto";

/** A secret that lets its bearer do everything, and the name under which that shows in histories. */
export interface OperatorToken {
  readonly name: string;
  readonly token: string;
}

/** Finds the name of a token. Every known one is compared, each in constant time. */
function createTokenFinder(tokens: readonly OperatorToken[]): (token: string) => string | undefined {
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

/** User and password of an `Authorization: Basic` header. */
export interface BasicCredentials {
  readonly user: string;
  readonly password: string;
}

/** Finds out who asks. Undefined: nobody who may do anything. */
export type Authenticate = (request: Request) => string | undefined;

/** The name of a bearer's token; with `allowAnonymous` everybody is "anonymous" who shows no token. */
export function createAuthenticate(tokens: readonly OperatorToken[], allowAnonymous: boolean): Authenticate {
  const findName = createTokenFinder(tokens);
  return (request) => {
    const header = request.headers.get("authorization");
    if (header === null) return allowAnonymous ? "anonymous" : undefined;
    const bearer = /^bearer +([^\s]{1,512})$/i.exec(header)?.[1];
    if (bearer !== undefined) return findName(bearer);
    // Terraform's http backend knows user and password only.
    const basic = parseBasic(header);
    return basic?.user === "token" ? findName(basic.password) : undefined;
  };
}

/** Reads a Basic header. The password has no colon, a user's name may have one. */
export function parseBasic(header: string | null): BasicCredentials | undefined {
  const encoded = /^basic +([A-Za-z0-9+/=]{1,16384})$/i.exec(header ?? "")?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.lastIndexOf(":");
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}
