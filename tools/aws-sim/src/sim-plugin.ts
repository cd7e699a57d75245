import type { AwsSim } from "./aws-sim.ts";

/** As `client.middlewareStack.use` and the option `plugins` of `createAwsAccess` take it. */
export interface SimPlugin {
  applyToStack(stack: Stack): void;
}

/** The part of a client's middleware stack that is used: every service has types of its own, and all take this. */
interface Stack {
  add(middleware: never, options: never): void;
}

type Handle = (args: { readonly input: object; readonly request?: unknown }) => Promise<unknown>;
type Middleware = (next: Handle, context: Readonly<Record<string, unknown>>) => Handle;

let requests = 0;

/**
 * Answers a client's requests in the place of the network: the SDK has validated, resolved the endpoint and signed, and
 * it retries what is thrown here as it would retry AWS's errors. Put it on each client.
 */
export function createSimPlugin(sim: AwsSim): SimPlugin {
  // Before the deserializer, so that outputs need not be spelt out as HTTP, and after the signature.
  const options = { name: "awsSim", step: "deserialize", priority: "high", override: true };
  return { applyToStack: (stack) => stack.add(toMiddleware(sim) as never, options as never) };
}

function toMiddleware(sim: AwsSim): Middleware {
  return (_next, { clientName, commandName }) =>
    async (args) => {
      requests += 1;
      const requestId = `00000000-0000-4000-8000-${String(requests).padStart(12, "0")}`;
      const service = String(clientName).replace(/Client$/, "");
      const operation = String(commandName).replace(/Command$/, "");
      try {
        const output = await sim.serve({ service, operation, input: { ...args.input }, ...readSigner(args.request) });
        const $metadata = { httpStatusCode: 200, requestId };
        return { response: { statusCode: 200, headers: {} }, output: { $metadata, ...Object(output) } };
      } catch (error) {
        if (error instanceof Error && "$metadata" in error) Object.assign(Object(error.$metadata), { requestId });
        throw error;
      }
    };
}

interface Signer {
  readonly region: string;
  readonly accessKeyId: string;
  readonly sessionToken: string | undefined;
}

const CREDENTIAL = /Credential=([^/]+)\/\d{8}\/([^/]+)\//;

/**
 * Returns who signed, and for which region ("Authenticating Requests: Using the Authorization Header", the credential
 * scope).
 */
function readSigner(request: unknown): Signer {
  const headers = Object(Object(request).headers);
  const [, accessKeyId = "", region = ""] = CREDENTIAL.exec(String(headers.authorization)) ?? [];
  const token: unknown = headers["x-amz-security-token"];
  return { region, accessKeyId, sessionToken: typeof token === "string" ? token : undefined };
}
