import { type Clock, StackyardError } from "@stackyard/core";
import { findGrants, type Grant, isPlainName } from "@stackyard/core/access";
import { json } from "../http/route.ts";
import { type AuthContext, beginSession } from "./auth-context.ts";
import type { RequestFacts } from "./caller.ts";
import { createIssuerClient } from "./issuer-client.ts";
import { createJwtVerifier, type JwtVerifier, readIssuer } from "./jwt-verifier.ts";
import { lifetimeSeconds } from "./sessions.ts";

/** A kind of workloads, such as jobs of GitHub Actions. */
export interface WorkloadOptions {
  readonly name: string;
  readonly issuer: string;
}

interface Workload extends WorkloadOptions {
  readonly verifier: JwtVerifier;
}

/** Exchanges the token of a job for a session (RFC 8693). */
export interface TokenExchange {
  answer(input: {
    readonly subjectToken: string;
    /** The origin of the server's address. */
    readonly audience: string;
    readonly facts: RequestFacts;
  }): Promise<Response>;
}

/** Creates the exchange for these workloads. Fetches nothing before the first token. */
export function createTokenExchange(
  context: AuthContext,
  { workloads, clock }: { readonly workloads: readonly WorkloadOptions[]; readonly clock: Clock },
): TokenExchange {
  const known = workloads.map((workload): Workload => {
    const client = createIssuerClient({ issuer: workload.issuer, clientId: "stackyard" }, { clock });
    return { ...workload, verifier: createJwtVerifier(workload.issuer, { client, clock }) };
  });
  return {
    async answer({ subjectToken, audience, facts }) {
      const [workload, ...others] = await findWorkloads(known, subjectToken);
      const verified: Claims = await workload.verifier.verify(subjectToken, audience);
      // Several may share an issuer. The first one with a matching grant is used.
      const meant = [workload, ...others].find(
        ({ name }) => findGrants(context.grants, { kind: "workload", name, claims: verified }).length > 0,
      );
      const { secret } = await beginSession(context, toNewSession(meant ?? workload, verified, context.grants), facts);
      return json(200, {
        access_token: secret,
        issued_token_type: "urn:ietf:params:oauth:token-type:access_token",
        token_type: "Bearer",
        expires_in: lifetimeSeconds("workload"),
      });
    },
  };
}

type Claims = Readonly<Record<string, unknown>>;

async function findWorkloads(known: readonly Workload[], jwt: string): Promise<readonly [Workload, ...Workload[]]> {
  const issuer = withoutSlash(await readIssuer(jwt));
  const [first, ...others] = known.filter((workload) => withoutSlash(workload.issuer) === issuer);
  if (first !== undefined) return [first, ...others];
  throw new StackyardError("LOGIN_FAILED", "The issuer of the token is not one of access.workloads.");
}

function withoutSlash(url: string): string {
  return url.replace(/\/$/, "");
}

const MAX_CLAIM_LENGTH = 512;
const MAX_NAME_LENGTH = 256;

/** Which repository a job runs for. */
const REPOSITORY_CLAIMS = ["repository_id", "project_id"];

/** Keeps only the repository and the claims of grants: each request evaluates the rights with the current grants. */
function toNewSession({ name, issuer }: WorkloadOptions, claims: Claims, grants: readonly Grant[]) {
  const named = new Set(grants.flatMap(({ to }) => (to.workload === name ? Object.keys(to.claims ?? {}) : [])));
  for (const claim of REPOSITORY_CLAIMS) named.add(claim);
  const kept = Object.entries(claims).filter(([claim, value]) => named.has(claim) && isShort(value));
  const subject = claims["sub"];
  if (!isPlainName(subject, MAX_CLAIM_LENGTH)) {
    throw new StackyardError(
      "LOGIN_FAILED",
      "The subject of the token is missing, too long or has invisible characters.",
    );
  }
  const projects = [claims["repository"], claims["project_path"], subject];
  const project = projects.find((text) => isPlainName(text, MAX_NAME_LENGTH - name.length - 1));
  return {
    kind: "workload",
    sender: {
      kind: "workload",
      id: `${name} ${subject}`,
      name: project === undefined ? name : `${name} ${project}`,
      groups: [],
    },
    workload: name,
    issuer,
    subject,
    claims: Object.fromEntries(kept),
  } as const;
}

/** Returns true for a claim that is short enough to be kept. Lists and objects match no grant. */
function isShort(value: unknown): boolean {
  if (typeof value === "string") return value.length <= MAX_CLAIM_LENGTH;
  return typeof value === "number" || typeof value === "boolean";
}
