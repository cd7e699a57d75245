import { type AwsAccess, type AwsAccessOptions, createAwsAccess, type Limiter } from "@stackyard/aws";
import type { Clock, Logger } from "@stackyard/core";
import type { Endpoints } from "./environment/endpoints.ts";
import type { Environment } from "./environment/parse-environment.ts";

/** What reaching AWS needs. */
export interface EnvironmentAwsDeps {
  readonly environment: Pick<Environment, "region" | "credentials" | "endpoints" | "targets">;
  /** How sessions in targets are named. */
  readonly session: AwsAccessOptions["session"];
  /** Added to every client's configuration. Default: nothing. */
  readonly clientConfig?: Readonly<Record<string, unknown>>;
  /** Shared among several. Default: one of its own. */
  readonly limiter?: Limiter;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * AWS as the environment says: region, credentials, addresses of services, and the role of targets. Where an address is
 * said, S3 is used by path, for emulators have no names of buckets in the DNS. One for a process.
 */
export function createEnvironmentAws(deps: EnvironmentAwsDeps): AwsAccess {
  const { environment, session, clientConfig = {}, limiter, clock, logger } = deps;
  const { region, credentials, endpoints, targets } = environment;
  const stsEndpoint = endpoints.byService.get("STS");
  const access = createAwsAccess({
    ...{ session, targets, clock, logger },
    ...(limiter === undefined ? {} : { limiter }),
    // The client by which roles are assumed is not one that anybody asks for.
    ...(stsEndpoint === undefined ? {} : { stsEndpoint }),
    ...(region === undefined ? {} : { region }),
    ...(credentials === undefined ? {} : { credentials }),
    clientConfig: {
      ...clientConfig,
      ...(endpoints.all === undefined ? {} : { endpoint: endpoints.all, forcePathStyle: true }),
    },
  });
  if (endpoints.byService.size === 0) return access;
  const placed = createPlacedClasses(endpoints);
  return { ...access, client: (clientClass, target) => access.client(placed(clientClass), target) };
}

type ClientClass<Client> = new (config: never) => Client;

/** Classes of clients that know the address of their service; the same one for the same class. */
function createPlacedClasses({ byService }: Endpoints) {
  const known = new Map<unknown, unknown>();
  return <Class extends ClientClass<unknown>>(clientClass: Class): Class => {
    if (!known.has(clientClass)) {
      // Its name is known by making a client, which is why it is asked once.
      const endpoint = byService.get(toServiceName(clientClass));
      known.set(clientClass, endpoint === undefined ? clientClass : placeAt(clientClass, endpoint));
    }
    const placed = known.get(clientClass);
    // What the map holds under a class is that class, as a proxy.
    return placed as Class;
  };
}

function placeAt<Class extends ClientClass<unknown>>(clientClass: Class, endpoint: string): Class {
  return new Proxy(clientClass, {
    construct: (target, [config]) => Object(new target({ ...config, endpoint, forcePathStyle: true } as never)),
  });
}

/** As the SDK makes it out of a service's id: `Secrets Manager` is SECRETS_MANAGER. */
function toServiceName(clientClass: ClientClass<unknown>): string {
  const client: unknown = new clientClass({ region: "us-east-1" } as never);
  const config: unknown = typeof client === "object" && client !== null && "config" in client ? client.config : {};
  const id = typeof config === "object" && config !== null && "serviceId" in config ? config.serviceId : "";
  return String(id)
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]/g, "_");
}
