import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { devNull } from "node:os";
import { isStackyardError } from "../errors/stackyard-error.ts";
import type { Clock } from "../ports/clock.ts";
import type { AwsCredentials } from "../ports/executor.ts";
import type { Environment } from "./pick-environment.ts";

/** The AWS credentials of a program. */
export interface ProgramCredentials {
  /** Variables that replace those of `isCredentialVariable`. */
  readonly environment: Environment;
  /** Ends the access of programs. */
  close(): Promise<void>;
}

interface ServeCredentialsInput {
  /** Returns credentials that are valid now, as `ctx.credentials` does. */
  readonly load: () => Promise<AwsCredentials>;
  readonly clock: Clock;
}

/** Variables by which the SDKs find credentials (AWS SDKs and tools reference, "Environment variables"). */
const CREDENTIAL_VARIABLE =
  /^AWS_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|SECURITY_TOKEN|CREDENTIAL_\w+|(?:DEFAULT_)?PROFILE|ROLE_\w+|WEB_IDENTITY_\w+|CONTAINER_\w+|CONFIG_FILE|SHARED_CREDENTIALS_FILE|SDK_LOAD_CONFIG)$/;

/** Returns true for a variable that leads to credentials: none of a runner may reach a program with other ones. */
export function isCredentialVariable(name: string): boolean {
  return CREDENTIAL_VARIABLE.test(name);
}

/** When to ask again for credentials with an unknown end, which all SDKs need. */
const UNKNOWN_END_MS = 15 * 60_000;

/**
 * Gives a program AWS credentials as long as it runs, whatever the length of a session: the SDKs ask an address of this machine
 * for them, with a token that only the program has, and ask again before they expire (AWS SDKs and tools reference, "Container
 * credential provider"). Credentials without a session do not expire, and are given as variables. Shared files, which the
 * SDKs prefer to the address, are not read. Throws the errors of `load`.
 */
export async function serveCredentials({ load, clock }: ServeCredentialsInput): Promise<ProgramCredentials> {
  const first = await load();
  const noFiles = { AWS_CONFIG_FILE: devNull, AWS_SHARED_CREDENTIALS_FILE: devNull };
  if (first.sessionToken === undefined) {
    const { accessKeyId, secretAccessKey } = first;
    const keys = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
    return { environment: { ...noFiles, ...keys }, close: async () => {} };
  }
  const token = randomBytes(32).toString("base64url");
  const server = createServer((request, response) => void answer(request, response));

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const reply = isAuthorized(request, token)
      ? await loadAnswer(load, clock)
      : toRefusal(401, "UNAUTHENTICATED", "The token is missing or wrong.");
    response.writeHead(reply.status, { "content-type": "application/json", "cache-control": "no-store" });
    response.end(JSON.stringify(reply.body));
  }

  const port = await listen(server);
  return {
    environment: {
      ...noFiles,
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${port}/`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: token,
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      server.unref();
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
}

function isAuthorized({ headers }: IncomingMessage, token: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(headers.authorization ?? ""), digest(token));
}

interface Reply {
  readonly status: number;
  readonly body: Readonly<Record<string, string>>;
}

async function loadAnswer(load: ServeCredentialsInput["load"], clock: Clock): Promise<Reply> {
  try {
    const { accessKeyId, secretAccessKey, sessionToken = "", expiration } = await load();
    const end = expiration ?? new Date(clock.now() + UNKNOWN_END_MS);
    return {
      status: 200,
      body: {
        AccessKeyId: accessKeyId,
        SecretAccessKey: secretAccessKey,
        Token: sessionToken,
        // Some SDKs take whole seconds only.
        Expiration: end.toISOString().replace(/\.\d+Z$/, "Z"),
      },
    };
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    // The SDKs repeat a request that is answered with 500 or more.
    if (isStackyardError(error)) return toRefusal(error.retryable ? 503 : 403, error.code, message);
    return toRefusal(403, name, message);
  }
}

function toRefusal(status: number, code: string, message: string): Reply {
  return { status, body: { code, message } };
}
