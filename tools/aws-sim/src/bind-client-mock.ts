import type { AwsStub } from "aws-sdk-client-mock";
import type { AwsSim } from "./aws-sim.ts";

interface MockedClient {
  readonly config: { region(): Promise<string>; credentials(): Promise<Credentials> };
}

interface Credentials {
  readonly accessKeyId: string;
  readonly sessionToken?: string;
}

/**
 * Lets the simulation answer all clients of a class, for code that makes its clients itself: what
 * `mockClient(S3Client)` of aws-sdk-client-mock gives goes in. The SDK's middleware does not run, so nothing is retried.
 */
export function bindClientMock(sim: AwsSim, mock: Pick<AwsStub<never, never, never>, "send">): void {
  mock.send.callsFake(async function send(this: unknown, command: { readonly input: object }) {
    const { config } = this as MockedClient;
    const { accessKeyId, sessionToken } = await config.credentials();
    const { service, operation } = readNames(this, command);
    const region = await config.region();
    const input = { ...command.input };
    const output = await sim.serve({ service, operation, input, region, accessKeyId, sessionToken });
    return { $metadata: { httpStatusCode: 200 }, ...Object(output) };
  } as never);
}

/** A subclass has its parent's service, so the name comes from the command's own schema. */
function readNames(client: unknown, command: object): { readonly service: string; readonly operation: string } {
  const operation = command.constructor.name.replace(/Command$/, "");
  for (let type = Object(client).constructor; type?.name; type = Object.getPrototypeOf(type)) {
    if (/^[A-Z]\w*Client$/.test(type.name) && Object.getPrototypeOf(type).name === "Client") {
      return { service: type.name.replace(/Client$/, ""), operation };
    }
  }
  return { service: Object(client).constructor.name.replace(/Client$/, ""), operation };
}
