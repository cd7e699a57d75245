import { type AwsSim, createSimPlugin } from "@stackyard/aws-sim";

/** A constructor of an SDK client. */
export type ClientClass<Client> = new (config: never) => Client;

/** Clients of a user of a simulated account, which try once. */
export function createSimulatedClients(
  sim: AwsSim,
  user: { readonly account: string; readonly region: string; readonly name: string },
): <Client>(clientClass: ClientClass<Client>, region?: string) => Client {
  const credentials = sim.iam.addUser({ account: user.account, name: user.name });
  const plugin = createSimPlugin(sim);
  return (clientClass, region = user.region) => {
    const client = new clientClass({ region, credentials, maxAttempts: 1 } as never);
    // Every client of the SDK has one.
    (client as { readonly middlewareStack: { use(plugin: unknown): void } }).middlewareStack.use(plugin);
    return client;
  };
}
