import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";

/** A command of the SDK, as far as tests look at it. */
export interface SentCommand {
  /** Such as `PutItem`. */
  readonly name: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** Intercepts a call: undefined lets it pass, an error replaces its result. */
export type Interception = (command: SentCommand, call: () => Promise<unknown>) => Promise<unknown>;

/** Wraps a client so that its calls pass through a function, which adds behavior that the emulator lacks. */
export function interceptClient(client: DynamoDBClient, intercept: Interception): DynamoDBClient {
  return new Proxy(client, {
    get(target, name, receiver) {
      if (name !== "send") return Reflect.get(target, name, receiver);
      return (command: { readonly constructor: { readonly name: string }; readonly input: SentCommand["input"] }) => {
        const sent = { name: command.constructor.name.replace(/Command$/, ""), input: command.input };
        return intercept(sent, () => Reflect.apply(Reflect.get(target, "send"), target, [command]));
      };
    },
  });
}

/** Creates a client of a process that dies after this number of calls: later ones do not reach the tables. */
export function createDyingClient(client: DynamoDBClient, dieAfter: number) {
  let calls = 0;
  const dying = interceptClient(client, async (_command, call) => {
    calls += 1;
    if (calls > dieAfter) throw new ProcessDied();
    return call();
  });
  return { client: dying, hasDied: () => calls > dieAfter };
}

/** The error of a dead process's calls. */
export class ProcessDied extends Error {}

/** Returns an error in the form of the service. */
export function aServiceError(name: string, message = "…"): Error {
  return Object.assign(new Error(message), { name, $metadata: { httpStatusCode: 400, attempts: 3 }, $fault: "client" });
}
