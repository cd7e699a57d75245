import { type AwsAccess, type AwsAccessOptions, createAwsAccess, type Limiter } from "@stackyard/aws";
import { type Clock, defined, isMap, type Logger } from "@stackyard/core";
import type { Endpoints, Environment } from "./environment.ts";

/** Dependencies of the access to AWS. */
interface EnvironmentAwsDeps {
  readonly environment: Pick<Environment, "region" | "credentials" | "endpoints" | "targets" | "uploads">;
  /** The names of sessions in targets. */
  readonly session: AwsAccessOptions["session"];
  /** Added to every client's configuration. Default: nothing. */
  readonly clientConfig?: Readonly<Record<string, unknown>>;
  /** Shared among several. Default: a separate one. */
  readonly limiter?: Limiter;
  /** As in `createAwsAccess`. */
  readonly retriesDenials?: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Creates the access to AWS from the environment: region, credentials, addresses of services, and the role of targets.
 * With an address, S3 is used by path, because emulators have no bucket names in the DNS. One per process.
 */
export function createEnvironmentAws(deps: EnvironmentAwsDeps): AwsAccess {
  const { environment, session, clientConfig = {}, limiter, retriesDenials, clock, logger } = deps;
  const { region, credentials, endpoints, targets, uploads } = environment;
  const { all: endpoint } = endpoints;
  const access = createAwsAccess(
    defined({
      session,
      targets,
      uploads,
      clock,
      logger,
      limiter,
      retriesDenials,
      region,
      credentials,
      // `createPlacedClasses` does not see the client that assumes roles.
      stsEndpoint: endpoints.byService.get("STS"),
      clientConfig: endpoint === undefined ? clientConfig : { ...clientConfig, endpoint, forcePathStyle: true },
    }),
  );
  if (endpoints.byService.size === 0) return access;
  const placed = createPlacedClasses(endpoints);
  return { ...access, client: (clientClass, target) => access.client(placed(clientClass), target) };
}

type ClientClass<Client> = new (config: never) => Client;

/** Creates classes of clients with the address of their service; the same one for the same class. */
function createPlacedClasses({ byService }: Endpoints) {
  const known = new Map<unknown, unknown>();
  return <Class extends ClientClass<unknown>>(clientClass: Class): Class => {
    if (!known.has(clientClass)) {
      // Only an instance of the client has its service name, so the result is cached.
      const endpoint = byService.get(toServiceName(clientClass));
      known.set(clientClass, endpoint === undefined ? clientClass : placeAt(clientClass, endpoint));
    }
    const placed = known.get(clientClass);
    // The map's value for a class is that class, as a proxy.
    return placed as Class;
  };
}

function placeAt<Class extends ClientClass<unknown>>(clientClass: Class, endpoint: string): Class {
  return new Proxy(clientClass, {
    construct: (target, [config]) => Object(new target({ ...config, endpoint, forcePathStyle: true } as never)),
  });
}

/** Returns the service name as the SDK derives it from a service's id: `Secrets Manager` is SECRETS_MANAGER. */
function toServiceName(clientClass: ClientClass<unknown>): string {
  const client: unknown = new clientClass({ region: "us-east-1" } as never);
  const config = isMap(client) ? client["config"] : undefined;
  const id = isMap(config) ? config["serviceId"] : undefined;
  return String(id ?? "")
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]/g, "_");
}
