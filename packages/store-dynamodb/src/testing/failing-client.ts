import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";

/** A command of the SDK, as far as tests look at it. */
export interface SentCommand {
  /** Such as `PutItem`. */
  readonly name: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** What becomes of a call: undefined lets it pass, an error takes its place. */
export type Interception = (command: SentCommand, call: () => Promise<unknown>) => Promise<unknown>;

/** A client whose calls go through a function: what the emulator does not do is done there. */
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

/** A client of a process that dies after so many calls: nothing that it does reaches the tables any more. */
export function createDyingClient(client: DynamoDBClient, dieAfter: number) {
  let calls = 0;
  const dying = interceptClient(client, async (_command, call) => {
    calls += 1;
    if (calls > dieAfter) throw new ProcessDied();
    return call();
  });
  return { client: dying, hasDied: () => calls > dieAfter };
}

/** What a dead process meets at each of its calls. */
export class ProcessDied extends Error {}

/** An error as the service gives it. */
export function aServiceError(name: string, message = "…"): Error {
  return Object.assign(new Error(message), { name, $metadata: { httpStatusCode: 400, attempts: 3 }, $fault: "client" });
}
